import { doublePrecision, index, jsonb, text, timestamp } from "drizzle-orm/pg-core";
import { fathom } from "./fathom.ts";

const time = (name: string) => timestamp(name, { withTimezone: true });

/** API keys, found by their public part. The secret is not here: only what proves it. */
export const apiKeys = fathom.table(
  "api_keys",
  {
    prefix: text("prefix").primaryKey(),
    name: text("name").notNull(),
    actor: text("actor").notNull(),
    /** HMAC-SHA-256 of the whole token under the installation's own key, hexadecimal. */
    hash: text("hash").notNull(),
    scopes: jsonb("scopes").$type<string[]>().notNull(),
    requestsPerSecond: doublePrecision("requests_per_second"),
    createdAt: time("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    expiresAt: time("expires_at"),
    revokedAt: time("revoked_at"),
    lastUsedAt: time("last_used_at"),
    replacedBy: text("replaced_by"),
  },
  (table) => [index("api_keys_created_at").on(table.createdAt)],
);
