/**
 * An append-only record of what was done: JSON lines, each carrying the hash of the one before, so that a line cannot be
 * changed, removed or inserted without breaking the chain behind it.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, type LedgerEntry, type LedgerPort, PlatformError } from "../../base/index.ts";
import { makeFolder } from "./folders.ts";
import { asWriteFailure, systemCode } from "./system-errors.ts";

/** One line of the ledger. */
export interface LedgerRecord extends LedgerEntry {
  /** 1 for the first line, and one more for each that follows. */
  readonly sequence: number;
  /** When it was recorded, ISO 8601 in UTC. */
  readonly time: string;
  /** Hash of the line before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256, hexadecimal, of all the fields above as JSON in the order of the line. */
  readonly hash: string;
}

const origin = "0".repeat(64);

/** The ledger port on a local file. Appends of one process wait for each other; those of several meet at a lock file. */
export function localLedger(file: string, clock: Clock): LedgerPort {
  let last: Promise<void> = Promise.resolve();
  return {
    check: () => withLock(file, clock, () => checkEnd(file)),
    append(entry) {
      const appended = last.then(() => withLock(file, clock, () => append(file, entry, clock)));
      last = appended.catch(() => {}); // its own caller hears of the failure; the next append starts afresh
      return appended;
    },
  };
}

/**
 * All records of a ledger, after checking every hash.
 *
 * @throws PlatformError `LEDGER_BROKEN` naming the first line that is not what was written
 */
export async function readLedger(file: string): Promise<LedgerRecord[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let previous = origin;
  return lines.map((line, index) => {
    const record = parseRecord(line);
    const { hash, ...fields } = record ?? { hash: "" };
    if (!record || record.sequence !== index + 1 || record.previous !== previous || hash !== digest(fields)) {
      throw broken(file, index + 1);
    }
    previous = hash;
    return record;
  });
}

/** An entry could be appended: the file can be written, and its last line is whole. */
async function checkEnd(file: string): Promise<void> {
  try {
    const handle = await open(file, "a+");
    try {
      const { size } = await handle.stat();
      if (size > 0 && parseRecord(await lastLine(handle, size)) === undefined) throw broken(file, undefined);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asWriteFailure(error, file);
  }
}

async function append(file: string, entry: LedgerEntry, clock: Clock): Promise<void> {
  try {
    const handle = await open(file, "a+");
    try {
      const { size } = await handle.stat();
      const last = size === 0 ? undefined : parseRecord(await lastLine(handle, size));
      if (size > 0 && last === undefined) throw broken(file, undefined);
      const fields = {
        sequence: (last?.sequence ?? 0) + 1,
        time: new Date(clock.now()).toISOString(),
        action: entry.action,
        subject: entry.subject,
        payload: entry.payload,
        previous: last?.hash ?? origin,
      };
      try {
        await handle.appendFile(`${JSON.stringify({ ...fields, hash: digest(fields) })}\n`);
        await handle.sync();
      } catch (error) {
        await handle.truncate(size).catch(() => {}); // half a line would break the chain
        throw error;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asWriteFailure(error, file);
  }
}

function digest(fields: object): string {
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

function parseRecord(line: string): LedgerRecord | undefined {
  try {
    const record = JSON.parse(line) as LedgerRecord | null;
    return typeof record?.hash === "string" && typeof record.sequence === "number" ? record : undefined;
  } catch {
    return undefined; // the caller answers with LEDGER_BROKEN
  }
}

/** The last whole line, read backwards in blocks; empty when the file does not end with a line break. */
async function lastLine(handle: Awaited<ReturnType<typeof open>>, size: number): Promise<string> {
  let tail = Buffer.alloc(0);
  for (let start = size; start > 0; ) {
    const length = Math.min(4096, start);
    start -= length;
    const block = Buffer.alloc(length);
    await handle.read(block, 0, length, start);
    tail = Buffer.concat([block, tail]);
    if (tail.at(-1) !== 0x0a) return "";
    const before = tail.lastIndexOf(0x0a, tail.length - 2);
    if (before >= 0) return tail.subarray(before + 1, -1).toString("utf8");
  }
  return tail.subarray(0, -1).toString("utf8");
}

function broken(file: string, line: number | undefined): PlatformError {
  const where = line === undefined ? `${file}: the last line` : `${file}, line ${line}`;
  return new PlatformError(
    "conflict",
    "LEDGER_BROKEN",
    `${where}: expected the record that was written there, received another`,
    { file, ...(line === undefined ? {} : { line }) },
  );
}

const lockStaleMs = 30_000;
const lockPatienceMs = 10_000;

async function withLock(file: string, clock: Clock, work: () => Promise<void>): Promise<void> {
  const lock = `${file}.lock`;
  try {
    await makeFolder(dirname(file));
    for (let waitedMs = 0; ; waitedMs += 20) {
      try {
        await (await open(lock, "wx")).close();
        break;
      } catch (error) {
        if (systemCode(error) !== "EEXIST" || waitedMs >= lockPatienceMs) throw error;
        // A process that died while writing leaves its lock behind; an append takes milliseconds.
        const ageMs = await stat(lock).then(
          ({ mtimeMs }) => clock.now() - mtimeMs,
          () => 0,
        );
        if (ageMs > lockStaleMs) await rm(lock, { force: true });
        await sleep(20);
      }
    }
  } catch (error) {
    throw asWriteFailure(error, lock);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}
