// A thread that owns ONNX Runtime sessions for serving. `session.run` blocks the thread it is called on, so nothing that answers
// requests calls it. Plain JavaScript, because a worker is started from a file and the same file must serve the sources and the build.
import { createRequire } from "node:module";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";

const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node");

// On Linux, 0 is the calling thread alone: models give way to the thread that answers requests, which needs a core for a moment only.
if (process.platform === "linux") setPriority(0, 5);

/** @type {Map<number, import("onnxruntime-node").InferenceSession>} */
const sessions = new Map();

const actions = {
  async load({ session, model, threads }) {
    const options = {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      enableMemPattern: false, // batches are of many sizes, and a plan is of one
      graphOptimizationLevel: "all",
      logSeverityLevel: 4, // what goes wrong is told to whoever asked, and callers must not fill the log
      extra: {
        session: {
          set_denormal_as_zero: "1",
          // A thread that waits awake takes the core of the thread that answers requests.
          "intra_op.allow_spinning": "0",
        },
      },
    };
    sessions.set(session, await InferenceSession.create(model, options));
  },
  async run({ session, inputs, outputs }) {
    const loaded = sessions.get(session);
    const feeds = {};
    for (const { name, type, shape, data } of inputs) feeds[name] = new Tensor(type, data, shape);
    const started = performance.now();
    const results = await loaded.run(feeds, outputs);
    const milliseconds = performance.now() - started;
    // A copy of our own can be given away; the memory behind an output is ONNX Runtime's.
    const values = outputs.map((name) => ({
      shape: [...results[name].dims],
      data: results[name].data.slice(),
    }));
    for (const name of outputs) results[name].dispose();
    return { values, milliseconds };
  },
  async release({ session }) {
    await sessions.get(session)?.release();
    sessions.delete(session);
  },
};

const memoryOf = ({ values = [] } = {}) =>
  values.flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer]));

// One at a time, in the order of arrival.
let turn = Promise.resolve();
parentPort.on("message", ({ id, action, args }) => {
  if (action === "close") {
    turn = turn.then(() => parentPort.close());
    return;
  }
  const act = actions[action];
  if (act === undefined) throw new Error(`no action is called ${action}`); // a mistake of ours: the thread ends
  turn = turn.then(async () => {
    try {
      const result = await act(args);
      parentPort.postMessage({ id, result }, memoryOf(result));
    } catch (error) {
      parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
