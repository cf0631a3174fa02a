/** What each route asks of who calls it. */
import type { Access } from "../../../base/index.ts";

/** `public` asks for nothing, `any` for a valid key, whatever its scopes. */
export type RouteAccess = Access | "public" | "any";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Stated by a route itself; otherwise the table below speaks. */
    access?: RouteAccess;
  }
}

const reads = (name: string): Access => ({ name, effect: "reads" });

/** Routes that are no capabilities, by their pattern as it was registered. The first row that fits counts. */
const table: readonly (readonly [RegExp, RouteAccess])[] = [
  [/^\/(healthz|readyz)$/, "public"], // probes carry no key
  [/^\/v2\/health\//, "public"],
  [/^\/$|^\/docs(\/|$)|^\/openapi\.json$/, "public"], // what there is to ask for; no data
  [/^\/metrics$/, reads("server.metrics")],
  [/^\/v2\/.*\/infer$/, reads("inference.infer")],
  [/^\/v2(\/|$)/, reads("inference.describe")],
  [/^\/v1\/tasks(\/|$)/, "any"], // and then only tasks of what the key may ask for
  [/^\/mcp$/, "any"], // and then each tool by its own scope
];

/** A route that nobody thought of needs every right: it is closed until somebody opens it. */
const closed: Access = { name: "server.administer", effect: "destroys" };

/** @param pattern the route as it was registered, such as `/v1/tasks/:id`; undefined when there is none */
export function accessOf(pattern: string | undefined, stated: RouteAccess | undefined): RouteAccess {
  if (pattern === undefined) return "public"; // the answer is 404 for everybody
  if (stated !== undefined) return stated;
  return table.find(([route]) => route.test(pattern))?.[1] ?? closed;
}
