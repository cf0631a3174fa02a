/** A worker of the benchmark as a process of its own: `worker-child.ts <folder> <address or -> <name> <concurrency>`. */
import { openJobs, startWorker } from "../../src/platform/jobs/index.ts";
import { testIdentity } from "../../src/platform/jobs/testing/identity.ts";
import { systemClock } from "../../src/platform/local/index.ts";
import { openState } from "../../src/platform/state/index.ts";

const [folder, url, name, concurrency] = process.argv.slice(2);
const state = await openState({ folder, url: url === "-" ? undefined : url });
const jobs = await openJobs(state, (_, input) => input);
const worker = startWorker({
  jobs,
  executor: {
    run: async ({ input }) => ({ kind: "done", output: JSON.stringify(input) }),
    close: async () => {},
  },
  clock: systemClock,
  logger: { info() {}, warn: (message) => void process.stderr.write(`${name}: ${message}\n`) },
  name,
  identity: testIdentity("fathom bench"),
  concurrency: Number(concurrency),
});
process.once("SIGTERM", () => {
  void worker.stop().then(() => state.close());
});
process.stdout.write("ready\n");
