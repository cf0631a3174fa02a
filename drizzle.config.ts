// `npx drizzle-kit generate` writes the next migration from what changed in the tables. It connects to nothing.
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/platform/state/tables",
  out: "./src/platform/state/migrations",
  migrations: { schema: "fathom", table: "migrations" },
});
