// The thread that owns ONNX Runtime. `session.run` blocks the thread it is called on, so nothing that serves requests calls it.
// Plain JavaScript, because a worker is started from a file and the same file must serve the sources and the build.
//
// Tensors live in named slots on this side, so that parameters and data sets cross the thread border once, not per step.
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node");

/** @type {Map<number, import("onnxruntime-node").InferenceSession>} */
const sessions = new Map();
/** @type {Map<string, import("onnxruntime-node").Tensor>} */
const slots = new Map();

const sessionOf = (session) => {
  const loaded = sessions.get(session);
  if (!loaded) throw new Error("the session was released");
  return loaded;
};
const slotOf = (name) => {
  const tensor = slots.get(name);
  if (!tensor) throw new Error(`nothing is stored in slot "${name}"`);
  return tensor;
};
const toTensor = ({ dtype, data, shape }) => new Tensor(dtype, data, shape);
const toValue = (tensor) => ({ dtype: tensor.type, data: tensor.data, shape: [...tensor.dims] });

const actions = {
  async load({ session, model, options }) {
    sessions.set(
      session,
      await InferenceSession.create(model, {
        intraOpNumThreads: workerData.threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        ...options,
      }),
    );
  },
  /** Feeds are values or names of slots; `keep` stores outputs in slots, `fetch` sends outputs back. */
  async run({ session, feeds, keep, fetch, repeat = 1 }) {
    const loaded = sessionOf(session);
    const given = {};
    for (const [name, value] of Object.entries(feeds))
      given[name] = typeof value === "string" ? slotOf(value) : toTensor(value);
    let results;
    const milliseconds = [];
    for (let i = 0; i < repeat; i++) {
      const start = performance.now();
      results = await loaded.run(given, [...Object.keys(keep), ...fetch]);
      milliseconds.push(performance.now() - start);
    }
    for (const [name, slot] of Object.entries(keep)) slots.set(slot, results[name]);
    return { outputs: Object.fromEntries(fetch.map((name) => [name, toValue(results[name])])), milliseconds };
  },
  async put({ slot, value }) {
    slots.set(slot, toTensor(value));
  },
  async get({ slot }) {
    return toValue(slotOf(slot));
  },
  async drop({ names }) {
    for (const name of names) slots.delete(name);
  },
  async release({ session }) {
    await sessions.get(session)?.release();
    sessions.delete(session);
  },
};

// One at a time, in the order of arrival: a run reads slots that the run before it wrote.
let turn = Promise.resolve();
parentPort.on("message", ({ id, action, args }) => {
  turn = turn.then(async () => {
    try {
      parentPort.postMessage({ id, result: await actions[action](args) });
    } catch (error) {
      parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
