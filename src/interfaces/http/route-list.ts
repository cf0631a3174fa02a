/** Which routes a server has: what is described, and what a request that fits none could have meant. */
import type { FastifyContextConfig, FastifyInstance } from "fastify";

export interface Route {
  /** As it was registered, with `:name` where something stands for something. */
  readonly url: string;
  /** Fits the addresses of the route. */
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  readonly config: FastifyContextConfig;
}

/** Every route that is registered from now on; it grows until the server is ready. */
export function listRoutes(app: FastifyInstance): readonly Route[] {
  const routes: Route[] = [];
  app.addHook("onRoute", ({ url, method, config = {} }) => {
    const plain = url.replace(/(?<=.)\/$/, ""); // a prefix is registered with and without its slash
    const escaped = plain.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`^${escaped.replace(/:[^/]+/g, "[^/]+")}/?$`);
    routes.push({ url: plain, pattern, methods: [method].flat(), config });
  });
  return routes;
}
