/** Giving a server its port, and taking it away without cutting anyone off. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { FastifyInstance } from "fastify";
import { PlatformError } from "../../base/index.ts";
import { systemCode } from "../../platform/local/index.ts";
import { messages } from "./messages.ts";

/** @returns the address, such as `http://127.0.0.1:8080`. @throws PlatformError `PORT_IN_USE` or `LISTEN_FAILED` */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<string> {
  return app.listen({ host, port }).catch((error: unknown) => {
    throw asListenFailure(error, { host, port });
  });
}

/**
 * Listens for a moment, so that whoever wants to serve after hours of work hears at once that the port is taken.
 *
 * @throws PlatformError `PORT_IN_USE` or `LISTEN_FAILED`
 */
export async function checkPort({ host, port }: { host: string; port: number }): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    throw asListenFailure(error, { host, port });
  } finally {
    server.close();
  }
}

function asListenFailure(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = systemCode(error);
  if (code === "EADDRINUSE") return new PlatformError("unavailable", "PORT_IN_USE", messages.portInUse(port));
  if (code === undefined) return error;
  const message = messages.listenFailed(host, port, (error as Error).message);
  return new PlatformError("unavailable", "LISTEN_FAILED", message);
}

/** The names under which a server bound to `host` is asked from its own machine; undefined when others may ask too. */
export function localNames(host: string): readonly string[] | undefined {
  const loopback = ["127.0.0.1", "localhost", "::1", "[::1]"];
  return loopback.includes(host) || /^127\./.test(host) ? [...new Set([...loopback, host])] : undefined;
}
