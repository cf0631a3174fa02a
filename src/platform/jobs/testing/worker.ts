// A process of its own: a worker that waits for jobs until it is killed. It prints its id when it has started.
import { openState } from "../../state/index.ts";
import { openJobs } from "../jobs.ts";
import { startWorker } from "../worker.ts";
import { testIdentity } from "./identity.ts";

const [folder, url] = process.argv.slice(2);
const identity = testIdentity("fathom worker");
startWorker({
  jobs: await openJobs(await openState({ folder, url, what: "a worker" }), (_, input) => input),
  executor: { run: async () => ({ kind: "done", output: "1" }), close: async () => {} },
  clock: { now: () => 0, elapsed: () => performance.now() },
  logger: { info() {}, warn() {} },
  name: "child",
  identity,
  leaseMs: 6_000,
});
process.stdout.write(`${identity.id}\n`);
