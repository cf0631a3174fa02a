import { jsonb, text, timestamp } from "drizzle-orm/pg-core";
import { fathom } from "./fathom.ts";

/** What belongs to the installation as a whole, by name: its identity, its public keys. */
export const installation = fathom.table("installation", {
  name: text("name").primaryKey(),
  value: jsonb("value").notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull(),
});
