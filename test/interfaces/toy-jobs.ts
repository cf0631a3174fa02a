/** Durable jobs for a test of an interface: an empty database, and a worker that runs them in this process. */
import type { Capability, Platform } from "../../src/base/index.ts";
import { inputChecker, performer } from "../../src/interfaces/jobs/perform.ts";
import { startWorker, type Worker } from "../../src/platform/jobs/index.ts";
import { testIdentity } from "../../src/platform/jobs/testing/identity.ts";
import { lazyPlatform, localContext, systemClock } from "../../src/platform/local/index.ts";
import { type Home, homes } from "../../src/platform/state/testing/homes.ts";

interface Options {
  readonly capabilities: readonly Capability[];
  readonly dataFolder: string;
  /** Jobs at a time; 0 leaves all of them waiting. */
  readonly running: number;
}

/** Opened when it is first asked for, since most tests need no database. */
export function toyJobs({ capabilities, dataFolder, running }: Options) {
  let opened:
    | Promise<{ platform: Platform; worker: Worker | undefined; home: Home; close(): Promise<void> }>
    | undefined;
  const open = async () => {
    const home = await (homes.find(({ name }) => name === "PostgreSQL") ?? homes[0]).makeHome();
    const platform = lazyPlatform({
      dataFolder,
      databaseUrl: home.url,
      checkInput: inputChecker(capabilities),
    });
    const run = performer({
      capabilities,
      makeContext: (given) =>
        localContext({ dataFolder, platform: platform.open, ...given, workingFolder: dataFolder }),
      onBug: () => {},
    });
    const worker =
      running === 0
        ? undefined
        : startWorker({
            jobs: await platform.jobs(),
            executor: { run, close: async () => {} },
            clock: systemClock,
            logger: { info() {}, warn() {} },
            name: "toys",
            identity: testIdentity("toys"),
            concurrency: running,
          });
    return { platform: await platform.open(), worker, home, close: () => platform.close() };
  };
  return {
    open: async () => {
      opened ??= open();
      return (await opened).platform;
    },
    async close() {
      if (opened === undefined) return;
      const { worker, home, close } = await opened;
      await worker?.stop();
      await close();
      await home.remove();
    },
  };
}
