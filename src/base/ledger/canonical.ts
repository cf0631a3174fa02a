import { createHash } from "node:crypto";
import { PlatformError } from "../errors.ts";

/**
 * A value as canonical JSON: names in the order of their UTF-16 code units, no white space, numbers as ECMAScript writes them.
 * Names whose value is undefined are left out, as JSON does.
 *
 * @throws PlatformError `INPUT_INVALID` for a number that JSON has no word for
 * @see RFC 8785, "JSON Canonicalization Scheme"
 * @example
 * canonicalJson({ b: [1, 1e21], a: "é" }); // => '{"a":"é","b":[1,1e+21]}'
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new PlatformError("input", "INPUT_INVALID", `ledger: expected finite numbers, received ${value}`);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    if ("toJSON" in value && typeof value.toJSON === "function") return canonicalJson(value.toJSON());
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
