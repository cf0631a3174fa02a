/** Giving a server its port, and taking it away without cutting anyone off. */
import type { FastifyInstance } from "fastify";
import { PlatformError } from "../../base/index.ts";
import { systemCode } from "../../platform/local/index.ts";

/** @returns the address, such as `http://127.0.0.1:8080`. @throws PlatformError `PORT_IN_USE` or `LISTEN_FAILED` */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const code = systemCode(error);
    if (code === "EADDRINUSE") {
      throw new PlatformError(
        "unavailable",
        "PORT_IN_USE",
        `--port: expected a free port, received ${port}, on which another program listens; choose another one`,
      );
    }
    if (code !== undefined && /^E[A-Z]+$/.test(code)) {
      const message = `--host, --port: expected a place to listen, received ${host}:${port}: ${(error as Error).message}`;
      throw new PlatformError("unavailable", "LISTEN_FAILED", message);
    }
    throw error;
  }
}

/** The names under which a server bound to `host` is asked from its own machine; undefined when others may ask too. */
export function localNames(host: string): readonly string[] | undefined {
  const loopback = ["127.0.0.1", "localhost", "::1", "[::1]"];
  return loopback.includes(host) || /^127\./.test(host) ? [...new Set([...loopback, host])] : undefined;
}
