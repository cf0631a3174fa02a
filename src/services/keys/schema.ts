import { z } from "zod";

/** Words of people that end up in tables and logs: no control characters, and not endless. */
const label = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}]{1,100}$/u, "expected 1 to 100 characters, none of them a control character");

const prefix = z
  .string()
  .regex(/^(fathom_)?[0-9a-f]{16}(_[0-9A-Za-z]*)?$/, "expected the prefix of a key, 16 hexadecimal digits")
  .transform((text) => text.replace(/^fathom_/, "").slice(0, 16))
  .describe("the public part of the key, as fathom keys list shows it");

/** A year holds 365 of them; a century is as good as never, and far from the end of JavaScript's calendar. */
const days = z.number().positive().max(36_500);

export const KeyView = z.object({
  prefix: z.string().describe("the public part, which names the key"),
  name: z.string(),
  actor: z.string().describe("who acts, as the ledger names them"),
  scopes: z.array(z.string()),
  requestsPerSecond: z.number().nullable().describe("a limit of its own; the server's when null"),
  state: z
    .enum(["valid", "rotated", "expired", "revoked"])
    .describe("rotated is still valid, until it expires"),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
  lastUsedAt: z.string().nullable().describe("to about a minute"),
  replacedBy: z.string().nullable(),
});
export type KeyView = z.output<typeof KeyView>;

export const CreateInput = z.object({
  name: label.describe("what people call the key"),
  scopes: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(100)
    .describe(
      "what it may do: * everything, forecast.* a service, forecast.predict one capability, read whatever only reads, forecast:read that of a service",
    )
    .meta({ examples: [["forecast.predict"]] }),
  actor: label
    .optional()
    .describe(
      "who acts, as the ledger names them (default: the name; of a key made by a key without the scope *, that key's own)",
    ),
  expiresInDays: days.nullable().default(365).describe("null for a key that never expires"),
  requestsPerSecond: z.number().positive().max(1e6).optional().describe("a limit of its own"),
});
export const IssuedOutput = z.object({
  token: z.string().describe("shown this once; nobody can show it again"),
  key: KeyView,
});

export const ListInput = z.object({
  all: z.boolean().default(false).describe("those that are revoked or expired too"),
});
export const ListOutput = z.object({ keys: z.array(KeyView) });

export const RotateInput = z.object({
  key: prefix,
  overlapHours: z
    .number()
    .min(0)
    .max(24 * 365)
    .default(24)
    .describe("how long the old key stays valid beside the new one"),
  expiresInDays: days
    .nullable()
    .optional()
    .describe("of the new key (default: as long as the old one was given)"),
});
export const RotateOutput = IssuedOutput.extend({ old: KeyView });

export const RevokeInput = z.object({ key: prefix });
export const RevokeOutput = z.object({ key: KeyView });
