/** The key of a request: `Authorization: Bearer fathom_...` (RFC 6750), or `X-API-Key`, which many clients know. */
import type { IncomingHttpHeaders } from "node:http";

/** The token, an empty text for a header of another form, undefined when the request carries none. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return /^bearer +([^\s]+) *$/i.exec(authorization)?.[1] ?? "";
  const key = headers["x-api-key"];
  return key === undefined ? undefined : [key].flat()[0];
}

/** The `WWW-Authenticate` of a refusal. Scopes and texts are ours, so nothing in them needs quoting. */
export function challenge(
  parts: { error?: "invalid_token" | "insufficient_scope"; scope?: string } = {},
): string {
  const facts = Object.entries({ realm: "fathom", ...parts }).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${facts.join(", ")}`;
}
