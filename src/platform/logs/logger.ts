/**
 * Structured logs: one JSON object a line, without secrets and personal data. What must not be logged is known by the name of its field,
 * at any depth, because a log line is made in many places and checked in none.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

/** Fields whose value is never written, by their names without case, hyphens and underscores. */
export const hiddenFields: readonly string[] = [
  // secrets
  "authorization",
  "proxyauthorization",
  "cookie",
  "setcookie",
  "xapikey",
  "apikey",
  "accesskey",
  "secretkey",
  "privatekey",
  "signingkey",
  "password",
  "passphrase",
  "secret",
  "token",
  "accesstoken",
  "refreshtoken",
  "databaseurl",
  // personal data
  "customer",
  "customerid",
  "customername",
  "firstname",
  "lastname",
  "fullname",
  "email",
  "phone",
  "phonenumber",
  "address",
  "birthdate",
  "dateofbirth",
  "nationalid",
  "socialsecuritynumber",
  "passport",
  "iban",
  "accountnumber",
  "cardnumber",
];

const hidden = new Set(hiddenFields);
const replacement = "[hidden]";
/** Deeper than any line of ours; what lies below is not written. */
const maxDepth = 8;

export interface LoggerOptions {
  readonly level: "silent" | "error" | "warn" | "info" | "debug";
  readonly destination: DestinationStream;
}

/** A logger whose lines hold no secrets and no personal data. */
export function createLogger({ level, destination }: LoggerOptions): PinoLogger {
  return pino(
    { level, base: null, formatters: { log: (line) => redact(line) as Record<string, unknown> } },
    destination,
  );
}

/**
 * A value without what must not be logged.
 *
 * @example
 * redact({ model: "m", headers: { Authorization: "Bearer x" } }); // => { model: "m", headers: { Authorization: "[hidden]" } }
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  if (depth >= maxDepth) return replacement;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const isHidden = hidden.has(name.toLowerCase().replace(/[-_]/g, ""));
      return [name, isHidden ? replacement : redact(inner, depth + 1)];
    }),
  );
}
