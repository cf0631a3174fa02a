/** Opens the rooms of the platform on one state, the first time that any of them is needed. */
import { join } from "node:path";
import type { Platform } from "../../base/index.ts";
import { type CheckInput, type Jobs, openJobs } from "../jobs/index.ts";
import { openState } from "../state/index.ts";

export interface PlatformOptions {
  readonly dataFolder: string;
  /** `DATABASE_URL`; the database in the data folder when absent. */
  readonly databaseUrl?: string | undefined;
  /** Holds the input of a job to its schema before it is accepted; taken as it is when absent. */
  readonly checkInput?: CheckInput;
}

/** A platform that is opened once, and closed only if it was. */
export interface LazyPlatform {
  open(): Promise<Platform>;
  /** What a worker of this process needs. */
  jobs(): Promise<Jobs>;
  close(): Promise<void>;
}

interface Rooms {
  readonly platform: Platform;
  readonly jobs: Jobs;
  close(): Promise<void>;
}

export function lazyPlatform(options: PlatformOptions): LazyPlatform {
  const { dataFolder, databaseUrl, checkInput = (_, input) => input } = options;
  let opened: Promise<Rooms> | undefined;
  const openRooms = async (): Promise<Rooms> => {
    const state = await openState({ folder: join(dataFolder, "state"), url: databaseUrl });
    try {
      const jobs = await openJobs(state, checkInput);
      return { platform: { state: state.kind, jobs: jobs.port }, jobs, close: () => state.close() };
    } catch (error) {
      await state.close();
      throw error;
    }
  };
  const rooms = async () => {
    opened ??= openRooms();
    try {
      return await opened;
    } catch (error) {
      opened = undefined; // the next one who asks tries again
      throw error;
    }
  };
  return {
    open: async () => (await rooms()).platform,
    jobs: async () => (await rooms()).jobs,
    async close() {
      await (await opened?.catch(() => undefined))?.close();
      opened = undefined;
    },
  };
}
