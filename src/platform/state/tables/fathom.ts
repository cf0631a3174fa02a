import { pgSchema } from "drizzle-orm/pg-core";

/** Everything of ours lies in one schema, so that a database can be shared and a backup names what it takes. */
export const fathom = pgSchema("fathom");
