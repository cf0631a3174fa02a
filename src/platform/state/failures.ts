import { PlatformError } from "../../base/index.ts";

/** Classes of SQLSTATE that say nothing about the statement: connection, resources, operator, system. */
const passing = /^(08|53|57|58|XX)/;
const network = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const words =
  /Connection terminated|timeout exceeded when trying to connect|connection error and is not queryable|Client was closed|PGlite is closed/;

/**
 * What was thrown because the database cannot be reached, is stopping or has no room, as `STATE_UNAVAILABLE`; undefined for
 * everything else. Libraries wrap such errors, so that causes are looked through.
 */
export function stateFailure(error: unknown): PlatformError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof PlatformError) return undefined;
    const { code } = at as { code?: unknown };
    const known = typeof code === "string" && (passing.test(code) || network.test(code));
    if (!known && !words.test(at.message)) continue;
    const reason = at.message || String(code);
    return new PlatformError("unavailable", "STATE_UNAVAILABLE", `the database cannot be used: ${reason}`, {
      cause: error,
    });
  }
  return undefined;
}
