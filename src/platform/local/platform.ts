/** Opens the rooms of the platform on one state, the first time that any of them is needed. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Platform, PlatformError, writeFailure } from "../../base/index.ts";
import { importLines, installationKey, openLedger } from "../ledger/index.ts";
import { openState, type State, takeLock } from "../state/index.ts";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";

export interface PlatformOptions {
  readonly dataFolder: string;
  /** `DATABASE_URL`; the database in the data folder when absent. */
  readonly databaseUrl?: string | undefined;
  readonly clock?: Clock;
  /** What this process is, for other processes that meet it: `fathom serve`. */
  readonly what?: string | undefined;
}

/** A platform that is opened once, and closed only if it was. */
export interface LazyPlatform {
  open(): Promise<Platform>;
  /** The state below the rooms, for a backup; opens it as `open` does. */
  openState(): Promise<State>;
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

export function lazyPlatform({
  dataFolder,
  databaseUrl,
  clock = systemClock,
  what,
}: PlatformOptions): LazyPlatform {
  const folder = join(dataFolder, "state");
  let opened: Promise<{ platform: Platform; state: State; close(): Promise<void> }> | undefined;
  const open = async () => {
    const state = await openState({ folder, url: databaseUrl, what });
    try {
      const audit = openLedger(state, {
        clock,
        entropy: systemEntropy,
        actor: "owner",
        key: () => installationKey(installationKeyFile(dataFolder)),
      });
      await importLines(state, audit, join(dataFolder, "ledger.jsonl"));
      return { platform: { state: state.kind, audit }, state, close: () => state.close() };
    } catch (error) {
      await state.close();
      throw error;
    }
  };
  const openOnce = async () => {
    opened ??= open();
    try {
      return await opened;
    } catch (error) {
      opened = undefined; // the next one who asks tries again
      throw error;
    }
  };
  return {
    open: async () => (await openOnce()).platform,
    openState: async () => (await openOnce()).state,
    async claim(server) {
      if (databaseUrl !== undefined) return async () => {};
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw writeFailure(folder, error);
      });
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
