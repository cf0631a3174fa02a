/**
 * One function for each thing that has to be right, which says what to do when it is not. A database server is only looked
 * at; the embedded database is opened, as every command does.
 */
import { readFile, stat, statfs, unlink, writeFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { join, resolve } from "node:path";
import {
  type Clock,
  type Compute,
  checkWritable,
  dayMs,
  type Platform,
  PlatformError,
} from "../../base/index.ts";
import { inspectServer, knownMigrations } from "../../platform/state/index.ts";
import { checkEngine } from "../../services/installation/index.ts";
import type { Configuration } from "../configuration/index.ts";
import { checkPort } from "../http/index.ts";
import { messages } from "./messages.ts";

export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do, when it is not ok. */
  readonly advice?: string;
}

export interface Patient {
  readonly configuration: Configuration;
  readonly compute: Compute;
  readonly clock: Clock;
  readonly nodeVersion: string;
  /** From package.json: `>=20.19`. */
  readonly wantedNode: string;
  readonly openPlatform: () => Promise<Platform>;
}

type Check = (patient: Patient) => Promise<Omit<Finding, "check">>;
const ok = (message: string) => ({ status: "ok" as const, message });
const warn = (message: string, advice: string) => ({ status: "warn" as const, message, advice });
const fail = (message: string, advice: string) => ({ status: "fail" as const, message, advice });

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** In the order in which they are printed. */
export const checks: Readonly<Record<string, Check>> = {
  node: async ({ nodeVersion, wantedNode }) => {
    const [major, minor] = wantedNode.replace(/^>=/, "").split(".").map(Number);
    const [hasMajor, hasMinor] = nodeVersion.replace(/^v/, "").split(".").map(Number);
    const isEnough = hasMajor > major || (hasMajor === major && hasMinor >= minor);
    return isEnough
      ? ok(messages.node.ok(nodeVersion))
      : fail(messages.node.old(nodeVersion, wantedNode), messages.node.advice(wantedNode));
  },

  configuration: async ({ configuration: { settings, warnings } }) => {
    const changed = settings.filter(({ from }) => from !== "default").length;
    return warnings.length === 0
      ? ok(messages.configuration.ok(changed))
      : warn(warnings.join("; "), messages.configuration.advice);
  },

  engine: async ({ compute }) => {
    const { received, expected, milliseconds } = await checkEngine(compute).catch((error: unknown) => {
      throw new Unwell(error, messages.engine.advice);
    });
    return received.join() === expected.join()
      ? ok(messages.engine.ok(compute.provider, milliseconds))
      : fail(messages.engine.wrong(expected.join(), received.join()), messages.engine.advice);
  },

  disk: async ({ configuration: { values } }) => {
    const folder = resolve(values.dataFolder);
    try {
      await checkWritable(folder);
      const place = await nearest(folder);
      const { bavail, bsize } = await statfs(place);
      const free = bavail * bsize;
      if (free < 200 * mebibyte)
        return fail(messages.disk.short(folder, sizeText(free)), messages.disk.advice);
      return free < 2 * gibibyte
        ? warn(messages.disk.short(folder, sizeText(free)), messages.disk.advice)
        : ok(messages.disk.ok(folder, sizeText(free)));
    } catch (error) {
      throw new Unwell(error, messages.disk.advice);
    }
  },

  memory: async () => {
    const limit = process.constrainedMemory?.() ?? 0; // of the container; 0, or beyond any machine, where there is none
    const isLimited = limit > 0 && limit < totalmem();
    const total = isLimited ? limit : totalmem();
    const free = isLimited ? Math.max(0, limit - process.memoryUsage.rss()) : freemem();
    return total < 2 * gibibyte || free < 512 * mebibyte
      ? warn(messages.memory.short(sizeText(total), sizeText(free)), messages.memory.advice)
      : ok(messages.memory.ok(sizeText(total), sizeText(free)));
  },

  threads: async ({ compute: { threads } }) => {
    const cores = await quotaCores();
    if (cores !== undefined && cores < threads)
      return warn(messages.threads.quota(threads, cores), messages.threads.quotaAdvice);
    return threads < 2
      ? warn(messages.threads.one, messages.threads.advice)
      : ok(messages.threads.ok(threads));
  },

  clock: async ({ clock, configuration: { values } }) => {
    const now = clock.now();
    const { newest } = knownMigrations();
    const text = new Date(now).toISOString();
    if (now < newest)
      return fail(messages.clock.before(text, new Date(newest).toISOString()), messages.clock.advice);
    const folderMs = await folderClock(resolve(values.dataFolder));
    const apartMs = folderMs === undefined ? 0 : Math.abs(folderMs - clock.now());
    return apartMs > 2_000
      ? warn(messages.clock.apart(Math.round(apartMs / 1000), values.dataFolder), messages.clock.advice)
      : ok(messages.clock.ok(text));
  },

  database: async ({ configuration: { values }, clock, openPlatform }) => {
    if (values.databaseUrl === undefined) {
      await openPlatform().catch((error: unknown) => {
        throw new Unwell(error, messages.database.embeddedAdvice);
      });
      return ok(messages.database.embedded(join(values.dataFolder, "state")));
    }
    const before = clock.now();
    const found = await inspectServer(values.databaseUrl).catch((error: unknown) => {
      throw new Unwell(error, messages.database.advice);
    });
    const { place, version, applied, unknown, time } = found;
    if (unknown > 0) return fail(messages.database.newer(place, unknown), messages.database.newerAdvice);
    // The server's clock was read between the two times of ours.
    const apartMs = Math.max(before - time, time - clock.now());
    if (apartMs > 5_000)
      return warn(messages.clock.apart(Math.round(apartMs / 1000), place), messages.clock.advice);
    if (applied === 0) return ok(messages.database.empty(place, version));
    const missing = knownMigrations().count - applied;
    return missing > 0
      ? warn(messages.database.behind(place, version, missing), messages.database.behindAdvice)
      : ok(messages.database.server(place, version, applied));
  },

  port: async ({ configuration: { values } }) => {
    const { host, port } = values;
    try {
      await checkPort({ host, port });
      return ok(messages.port.ok(host, port));
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== "PORT_IN_USE")
        throw new Unwell(error, messages.port.advice);
      return (await isFathom(host, port))
        ? ok(messages.port.ours(host, port))
        : warn(messages.port.taken(host, port), messages.port.advice);
    }
  },

  keys: async ({ configuration: { values }, clock, openPlatform }) => {
    if (!values.keys) return ok(messages.keys.open);
    if (values.databaseUrl !== undefined) {
      const { applied, unknown } = await inspectServer(values.databaseUrl);
      if (applied === 0) return ok(messages.keys.none);
      if (unknown > 0 || applied < knownMigrations().count) return ok(messages.keys.later); // to open it would change it
    }
    const now = clock.now();
    const all = await (await openPlatform()).keys.list();
    const valid = all.filter(
      ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
    );
    const soon = valid.filter(
      ({ expiresAt, replacedBy }) =>
        replacedBy === null && expiresAt !== null && expiresAt < now + 14 * dayMs,
    );
    if (soon.length > 0) {
      const names = soon.map(({ name, prefix }) => `${name} (${prefix})`).join(", ");
      return warn(messages.keys.soon(names), messages.keys.advice);
    }
    return ok(valid.length === 0 ? messages.keys.none : messages.keys.ok(valid.length));
  },
};

/** Runs every check, one after the other so that none disturbs another; what is thrown is a finding too. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [check, run] of Object.entries(checks)) {
    try {
      findings.push({ check, ...(await run(patient)) });
    } catch (error) {
      const { reason, advice } = error instanceof Unwell ? error : new Unwell(error, undefined);
      const message = reason instanceof Error ? reason.message : String(reason);
      findings.push({ check, status: "fail", message, ...(advice !== undefined && { advice }) });
    }
  }
  return findings;
}

/** A check that could not be made, and what to do about that. */
class Unwell extends Error {
  readonly reason: unknown;
  readonly advice: string | undefined;
  constructor(reason: unknown, advice: string | undefined) {
    super("unwell");
    this.reason = reason;
    this.advice = advice;
  }
}

/** The folder, or the nearest one above it that is there. */
async function nearest(folder: string): Promise<string> {
  return stat(folder).then(
    () => folder,
    () => nearest(resolve(folder, "..")),
  );
}

/** What the file system thinks the time is; undefined while the folder is not there. */
async function folderClock(folder: string): Promise<number | undefined> {
  const file = join(folder, `.clock-${process.pid}`);
  try {
    if (!(await stat(folder)).isDirectory()) return undefined;
    await writeFile(file, "");
    return (await stat(file)).mtimeMs;
  } catch {
    return undefined; // that it cannot be written is another check's finding
  } finally {
    await unlink(file).catch(() => {}); // never made
  }
}

/** How many cores' worth of time the container may use (cgroup v2); undefined without a limit. */
async function quotaCores(): Promise<number | undefined> {
  const text = await readFile("/sys/fs/cgroup/cpu.max", "utf8").catch(() => "max");
  const [quota, period] = text.trim().split(" ");
  return quota === "max" ? undefined : Number(quota) / Number(period);
}

async function isFathom(host: string, port: number): Promise<boolean> {
  const name = host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host;
  try {
    const answer = await fetch(`http://${name}:${port}/openapi.json`, { signal: AbortSignal.timeout(2_000) });
    const document = (await answer.json()) as { info?: { title?: unknown } };
    return document.info?.title === "Fathom";
  } catch {
    return false; // something else, or something that does not answer
  }
}

/**
 * A number of bytes as people write it.
 *
 * @example
 * sizeText(1610612736); // => "1.5 GiB"
 */
export function sizeText(bytes: number): string {
  return bytes >= gibibyte ? `${(bytes / gibibyte).toFixed(1)} GiB` : `${Math.round(bytes / mebibyte)} MiB`;
}
