/** One PostgreSQL for the whole run of tests, one database for each test file that asks. */
import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `postgres://...` without a database's name; null where npm has no PostgreSQL for this platform. */
    readonly postgres: string | null;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const server = await startPostgres();
  project.provide("postgres", server?.url ?? null);
  if (server !== null) return () => server.remove();
  process.stderr.write("tests on a PostgreSQL server are skipped: npm has none for this platform\n");
  return undefined;
}
