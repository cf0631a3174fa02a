/** Opens the rooms of the platform on one state, the first time that any of them is needed. */
import { join } from "node:path";
import type { Clock, Platform } from "../../base/index.ts";
import { folderStore, type S3Options, s3Store } from "../artifacts/index.ts";
import { openRegistry } from "../registry/index.ts";
import { signer, type Unsigned } from "../signing/index.ts";
import { openState } from "../state/index.ts";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";
import { localLedger } from "./ledger.ts";

export interface PlatformOptions {
  readonly dataFolder: string;
  /** `DATABASE_URL`; the database in the data folder when absent. */
  readonly databaseUrl?: string | undefined;
  readonly clock?: Clock;
  /** The S3-compatible service that keeps the files of registered models; the data folder when absent. */
  readonly artifacts?: Omit<S3Options, "clock"> | undefined;
  /** What to do with a model without a signature; `refuse` when absent. */
  readonly unsigned?: Unsigned | undefined;
}

/** A platform that is opened once, and closed only if it was. */
export interface LazyPlatform {
  open(): Promise<Platform>;
  close(): Promise<void>;
}

export function lazyPlatform({
  dataFolder,
  databaseUrl,
  clock = systemClock,
  artifacts,
  unsigned,
}: PlatformOptions): LazyPlatform {
  let opened: Promise<{ platform: Platform; close(): Promise<void> }> | undefined;
  const open = async () => {
    const state = await openState({ folder: join(dataFolder, "state"), url: databaseUrl });
    const signing = signer({ dataFolder, entropy: systemEntropy, unsigned });
    const registry = openRegistry(state, {
      store: artifacts ? s3Store({ ...artifacts, clock }) : folderStore(join(dataFolder, "artifacts")),
      signer: signing,
      ledger: localLedger(join(dataFolder, "ledger.jsonl"), clock),
      clock,
      cacheFolder: join(dataFolder, "cache"),
    });
    return { platform: { state: state.kind, registry, signing }, close: () => state.close() };
  };
  return {
    async open() {
      opened ??= open();
      try {
        return (await opened).platform;
      } catch (error) {
        opened = undefined; // the next one who asks tries again
        throw error;
      }
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close();
      opened = undefined;
    },
  };
}
