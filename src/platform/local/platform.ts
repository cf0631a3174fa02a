/** Opens the rooms of the platform on one state, the first time that any of them is needed. */
import { join } from "node:path";
import { type Clock, makeFolder, ownerActor, type Platform, PlatformError } from "../../base/index.ts";
import { folderStore, type S3Options, s3Store } from "../artifacts/index.ts";
import { type CheckInput, type Jobs, openJobs } from "../jobs/index.ts";
import { openKeys } from "../keys/index.ts";
import { importLines, openLedger } from "../ledger/index.ts";
import { openRegistry } from "../registry/index.ts";
import { ensureKeyPair, signer, type Unsigned } from "../signing/index.ts";
import { openState, type State, takeLock } from "../state/index.ts";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";

/** Folders of the data folder that are the platform's own: the key, the database, what trainings and the registry keep. */
export const ownFolders: readonly string[] = ["keys", "state", "artifacts", "cache", "checkpoints"];

export interface PlatformOptions {
  readonly dataFolder: string;
  /** `DATABASE_URL`; the database in the data folder when absent. */
  readonly databaseUrl?: string | undefined;
  readonly clock?: Clock;
  /** What this process is, for other processes that meet it: `fathom serve`. */
  readonly what?: string | undefined;
  /** @internal Holds the input of a job to its schema before it is accepted; taken as it is when absent. */
  readonly checkInput?: CheckInput;
  /** The S3-compatible service that keeps the files of registered models; the data folder when absent. */
  readonly artifacts?: Omit<S3Options, "clock"> | undefined;
  /** What to do with a model without a signature; `refuse` when absent. */
  readonly unsigned?: Unsigned | undefined;
}

/** A platform that is opened once, and closed only if it was. */
export interface LazyPlatform {
  open(): Promise<Platform>;
  /** @internal The state below the rooms, for a backup; opens it as `open` does. */
  openState(): Promise<State>;
  /** @internal What a worker of this process needs. */
  jobs(): Promise<Jobs>;
  /**
   * Makes this process the one server of an embedded data folder; of a database server there may be many.
   *
   * @returns lets another one be it
   * @throws PlatformError `STATE_HELD` naming the one that is it already
   */
  claim(what: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Where the installation's private key is, in a data folder. */
export const installationKeyFile = (dataFolder: string) => join(dataFolder, "keys", "installation.pem");

interface Rooms {
  readonly platform: Platform;
  readonly state: State;
  readonly jobs: Jobs;
  close(): Promise<void>;
}

export function lazyPlatform(options: PlatformOptions): LazyPlatform {
  const { dataFolder, databaseUrl } = options;
  const folder = join(dataFolder, "state");
  let opened: Promise<Rooms> | undefined;
  const rooms = async () => {
    opened ??= openRooms(folder, options);
    try {
      return await opened;
    } catch (error) {
      opened = undefined; // the next one who asks tries again
      throw error;
    }
  };
  return {
    open: async () => (await rooms()).platform,
    openState: async () => (await rooms()).state,
    jobs: async () => (await rooms()).jobs,
    async claim(server) {
      if (databaseUrl !== undefined) return async () => {};
      await makeFolder(folder, { mode: 0o700 });
      const taken = await takeLock(folder, "server", { what: server, socket: "" });
      if ("lock" in taken) return () => taken.lock.release();
      const { pid, host, what: holder, since } = taken.heldBy;
      const message = `${dataFolder}: expected a data folder without a server, found that of ${holder} (process ${pid} on ${host}, since ${since})`;
      throw new PlatformError("conflict", "STATE_HELD", message, { file: dataFolder });
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close();
      opened = undefined;
    },
  };
}

async function openRooms(folder: string, options: PlatformOptions): Promise<Rooms> {
  const { dataFolder, databaseUrl, clock = systemClock, what, artifacts, unsigned } = options;
  const { checkInput = (_, input) => input } = options;
  const state = await openState({ folder, url: databaseUrl, what });
  try {
    const audit = openLedger(state, {
      clock,
      entropy: systemEntropy,
      actor: ownerActor,
      key: async () => (await ensureKeyPair(installationKeyFile(dataFolder), systemEntropy)).private,
    });
    await importLines(state, audit, join(dataFolder, "ledger.jsonl"));
    const jobs = await openJobs(state, checkInput);
    const signing = signer({ dataFolder, entropy: systemEntropy, unsigned });
    const registry = openRegistry(state, {
      store: artifacts ? s3Store({ ...artifacts, clock }) : folderStore(join(dataFolder, "artifacts")),
      signer: signing,
      ledger: { check: async () => {}, append: async (entry) => void (await audit.append(entry)) },
      clock,
      cacheFolder: join(dataFolder, "cache"),
    });
    const keys = await openKeys(state, { clock, entropy: systemEntropy });
    return {
      platform: { state: state.kind, audit, jobs: jobs.port, keys, registry, signing },
      state,
      jobs,
      async close() {
        try {
          await keys.flush();
        } finally {
          await state.close();
        }
      },
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}
