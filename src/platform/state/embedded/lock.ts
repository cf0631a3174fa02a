/**
 * A lock that a folder is held by, as a chain of files `<name>.lock.<generation>`: the one of the highest generation names the
 * holder. Taking it over means to create the next one, which the file system lets one process do; no process ever removes the
 * lock of another that it might hold, so that two that find a dead holder at once cannot both win.
 */
import { link, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { processStart } from "./process-identity.ts";

/** Who holds a lock. */
export interface Holder {
  readonly pid: number;
  /** When its process started, as `processStart` says it. */
  readonly started: string | null;
  readonly host: string;
  /** What it is, for people: `fathom serve`. */
  readonly what: string;
  /** When it took the lock, ISO 8601 in UTC. */
  readonly since: string;
  /** Where the holder is reached. */
  readonly socket: string;
}

export interface Lock {
  readonly holder: Holder;
  release(): Promise<void>;
}

/** A lock of another machine counts as left behind when its holder has not touched it for so long. */
const silentMs = 60_000;
const touchMs = 10_000;

/** So that drafts of one process, which may open a folder several times at once, are each their own. */
let drafts = 0;

/**
 * Takes a lock, or says who has it.
 *
 * @param folder must be there
 * @throws whatever the file system throws
 */
export async function takeLock(
  folder: string,
  name: string,
  { what, socket }: { what: string; socket: string },
): Promise<{ readonly lock: Lock } | { readonly heldBy: Holder }> {
  for (;;) {
    const draft = join(folder, `.${name}.lock.${hostname()}.${process.pid}.${drafts++}`);
    try {
      const taken = await tryToTake(folder, name, draft, { what, socket });
      if (taken !== "changed") return taken;
    } finally {
      await rm(draft, { force: true }); // whatever came of it, nobody else would
    }
  }
}

/** One try; `changed` when others were quicker. @param draft a file of this try's own, which is left behind */
async function tryToTake(
  folder: string,
  name: string,
  draft: string,
  { what, socket }: { what: string; socket: string },
): Promise<{ readonly lock: Lock } | { readonly heldBy: Holder } | "changed"> {
  const newest = (await generations(folder, name)).at(-1) ?? 0;
  const file = join(folder, `${name}.lock.${newest + 1}`);
  const mine = {
    pid: process.pid,
    started: (await processStart(process.pid)) ?? null,
    host: hostname(),
    what,
    socket,
  };
  await writeFile(draft, "", { mode: 0o600 });
  // The file system's own clock: that of another machine may differ, and both write here.
  const now = (await stat(draft)).mtime;
  if (newest > 0) {
    const heldBy = await livingHolder(join(folder, `${name}.lock.${newest}`), now.getTime());
    if (heldBy === "changed") return "changed";
    if (heldBy !== undefined) return { heldBy };
  }
  const holder: Holder = { ...mine, since: now.toISOString() };
  const text = `${JSON.stringify(holder)}\n`;
  await writeFile(draft, text, { mode: 0o600 });
  const created = await link(draft, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST" || error.code === "ENOENT") return false;
      throw error;
    },
  );
  if (!created) return "changed";
  const all = await generations(folder, name);
  if ((all.at(-1) ?? 0) > newest + 1) {
    await rm(file, { force: true }); // this process slept while others came and went
    return "changed";
  }
  for (const old of all.filter((one) => one <= newest)) {
    await rm(join(folder, `${name}.lock.${old}`), { force: true });
  }
  return { lock: hold(file, text, holder) };
}

/** Who holds a lock now; undefined when nobody does. */
export async function holderOf(folder: string, name: string): Promise<Holder | undefined> {
  for (;;) {
    const newest = (await generations(folder, name)).at(-1);
    if (newest === undefined) return undefined;
    const file = join(folder, `${name}.lock.${newest}`);
    const holder = await livingHolder(file, undefined);
    if (holder !== "changed") return holder;
  }
}

function hold(file: string, text: string, holder: Holder): Lock {
  const timer = setInterval(() => {
    touch(file, text).catch(() => {}); // a full disk must not end the holder; another machine waits a minute
  }, touchMs);
  timer.unref();
  return {
    holder,
    async release() {
      clearInterval(timer);
      const released = `${file}.released`;
      await writeFile(released, "\n", { mode: 0o600 });
      await rename(released, file); // the empty file of the highest generation keeps its number taken
    },
  };
}

async function touch(file: string, text: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.write(text, 0);
  } finally {
    await handle.close();
  }
}

async function generations(folder: string, name: string): Promise<number[]> {
  const start = `${name}.lock.`;
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return files
    .filter((file) => file.startsWith(start) && /^\d+$/.test(file.slice(start.length)))
    .map((file) => Number(file.slice(start.length)))
    .sort((a, b) => a - b);
}

/** @param nowMs by the file system's clock; undefined: a lock of another machine counts as held */
async function livingHolder(
  file: string,
  nowMs: number | undefined,
): Promise<Holder | undefined | "changed"> {
  let text: string;
  let touchedMs: number;
  try {
    text = await readFile(file, "utf8");
    touchedMs = (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "changed";
    throw error;
  }
  const holder = parse(text);
  if (holder === undefined) return undefined; // released
  if (holder.host !== hostname()) {
    return nowMs !== undefined && nowMs - touchedMs > silentMs ? undefined : holder;
  }
  const started = await processStart(holder.pid);
  if (started === undefined) return undefined;
  return started === null || holder.started === null || started === holder.started ? holder : undefined;
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder | null;
    return typeof holder?.pid === "number" ? holder : undefined;
  } catch {
    return undefined; // a lock is written whole before it has its name, so this one was released
  }
}
