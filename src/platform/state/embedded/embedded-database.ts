/**
 * How a process reaches the embedded database of a folder. Whoever comes first holds it, in a thread of its own that serves it
 * on a socket; everybody, the holder too, is a client of that socket. When the holder ends, the next one who connects takes over.
 */
import { chmod, lstat, mkdir, realpath } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { asWriteFailure, makeFolder, PlatformError, writeFailure } from "../../../base/index.ts";
import { type Holder, type Lock, takeLock } from "./lock.ts";
import { socketPath } from "./socket-path.ts";

export interface EmbeddedOptions {
  readonly folder: string;
  /** What this process is, for the message that another one gives: `fathom serve`. */
  readonly what: string;
  readonly idleInTransactionMs: number;
  /** How often checkpoint and vacuum are considered. */
  readonly upkeepMs?: number | undefined;
}

export interface EmbeddedDatabase {
  /** The socket of a database that is open, here or in another process. @throws PlatformError `STATE_UNAVAILABLE` */
  reach(): Promise<string>;
  /** Whether this process holds it. */
  holds(): boolean;
  /** Ends the thread when it is ours; other processes then take over. */
  close(): Promise<void>;
}

/** How long another process may take to open the database before that is a failure. */
const patienceMs = 60_000;
/** How long open transactions of others may last when the holder ends. */
const leavingMs = 2_000;

export function embeddedDatabase(options: EmbeddedOptions): EmbeddedDatabase {
  let serving: Promise<Serving | undefined> | undefined;
  let current: Serving | undefined;
  let closed = false;

  const reach = async (): Promise<string> => {
    const folder = await prepareFolder(options.folder);
    const { path, privateFolder } = socketPath(folder);
    for (let waitedMs = 0; ; waitedMs += 25) {
      if (closed) throw new Error("the state was closed");
      if (current !== undefined && !current.ended()) return path;
      if (privateFolder !== undefined) await makePrivate(privateFolder);
      const taken = await takeLock(folder, "database", { what: options.what, socket: path });
      if ("lock" in taken) {
        current = await serve(folder, path, taken.lock, options);
        return path;
      }
      if (await answers(taken.heldBy.socket)) return taken.heldBy.socket;
      if (waitedMs >= patienceMs) throw unreachable(folder, taken.heldBy);
      await sleep(25);
    }
  };

  return {
    async reach() {
      // One search at a time: a process that meets its own lock would wait for itself.
      while (serving !== undefined) await serving;
      const search = reach();
      // Why it failed is for those who asked; whoever waits for its end only waits.
      serving = search.then(
        () => current,
        () => undefined,
      );
      try {
        return await search;
      } finally {
        serving = undefined;
      }
    },
    holds: () => current !== undefined && !current.ended(),
    async close() {
      closed = true;
      await serving;
      await current?.close();
    },
  };
}

interface Serving {
  ended(): boolean;
  close(): Promise<void>;
}

async function serve(folder: string, socket: string, lock: Lock, options: EmbeddedOptions): Promise<Serving> {
  const { idleInTransactionMs, upkeepMs = 15_000 } = options;
  const isNew = !(await isThere(join(folder, "database")));
  const worker = new Worker(new URL("./database-thread.js", import.meta.url), {
    workerData: { folder, socket, isNew, idleInTransactionMs, upkeepMs },
  });
  let ended = false;
  const exited = new Promise<void>((done) => {
    worker.once("exit", () => {
      ended = true;
      lock
        .release()
        .catch(() => {}) // on a full disk: the lock ends with this process
        .finally(done);
    });
  });
  try {
    await new Promise<void>((ready, failed) => {
      worker.once("message", () => ready());
      worker.once("error", failed);
      worker.once("exit", () => failed(new Error("its thread ended")));
    });
  } catch (error) {
    await exited;
    throw cannotOpen(folder, error);
  }
  worker.on("error", () => {}); // its end is noticed by every client, and the next one who connects opens it again
  worker.unref();
  return {
    ended: () => ended,
    async close() {
      if (!ended) {
        worker.ref();
        worker.postMessage({ patienceMs: leavingMs });
      }
      await exited;
    },
  };
}

/** The folder, made for the owner alone, with every link in its path followed, so that all processes call it the same. */
async function prepareFolder(folder: string): Promise<string> {
  try {
    await makeFolder(resolve(folder), { mode: 0o700 });
    const real = await realpath(folder);
    if (((await lstat(real)).mode & 0o077) !== 0 && process.platform !== "win32") await chmod(real, 0o700);
    return real;
  } catch (error) {
    throw asWriteFailure(error, folder);
  }
}

/** @throws PlatformError `STATE_UNAVAILABLE` when somebody else made this folder before us */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw writeFailure(folder, error);
  });
  const found = await lstat(folder);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return;
  throw new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    `${folder}: expected a folder of this user alone for the socket of the database, found another`,
    { file: folder },
  );
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket);
    client.once("connect", () => {
      client.destroy();
      resolve(true);
    });
    client.once("error", () => resolve(false));
  });
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );

function unreachable(folder: string, { pid, host, what, since, socket }: Holder): PlatformError {
  return new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    `${folder}: held by ${what} (process ${pid} on ${host}, since ${since}), which does not answer at ${socket}`,
    { file: folder },
  );
}

function cannotOpen(folder: string, error: unknown): PlatformError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return writeFailure(folder, error);
  return new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    `${folder}: the embedded database could not be opened: ${message}`,
    { file: folder, cause: error },
  );
}
