/** Opens the rooms of the platform on one state, the first time that any of them is needed. */
import { join } from "node:path";
import type { Clock, Platform } from "../../base/index.ts";
import { openKeys } from "../keys/index.ts";
import { openState } from "../state/index.ts";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";

export interface PlatformOptions {
  readonly dataFolder: string;
  /** `DATABASE_URL`; the database in the data folder when absent. */
  readonly databaseUrl?: string | undefined;
  readonly clock?: Clock;
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
}: PlatformOptions): LazyPlatform {
  let opened: Promise<{ platform: Platform; close(): Promise<void> }> | undefined;
  const open = async () => {
    const state = await openState({ folder: join(dataFolder, "state"), url: databaseUrl });
    const keys = await openKeys(state, { clock, entropy: systemEntropy });
    return {
      platform: { state: state.kind, keys },
      close: async () => {
        try {
          await keys.flush();
        } finally {
          await state.close();
        }
      },
    };
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
