// A training process of its own for one row of the work list: its model and batch size as JSON, five steps, then its peak memory in
// MiB on standard output. It runs the built package, as a user's process does: the loader that compiles sources while they are read
// takes tens of megabytes itself.
import { createRuntime } from "../../dist/engine/index.js";
import { prepareSteps } from "../../dist/services/bench/index.js";

const { model, batch, threads } = JSON.parse(process.argv[2]);
const runtime = createRuntime({ threads });
const { step } = await prepareSteps(model, batch, runtime, () => performance.now());
await step(7);
await runtime.close();
process.stdout.write(`${process.resourceUsage().maxRSS / 1024}\n`);
