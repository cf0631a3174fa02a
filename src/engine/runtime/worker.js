// The thread that owns ONNX Runtime. `session.run` blocks the thread it is called on, so nothing that serves requests calls it.
// Plain JavaScript, because a worker is started from a file and the same file must serve the sources and the build.
//
// Tensors live in named slots on this side, so that parameters and data sets cross the thread border once, not per step.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { loadSession, Tensor } from "./native-session.js";
import { runShards } from "./shards.js";

/** @type {Map<number, ReturnType<typeof loadSession>>} */
const sessions = new Map();
/** @type {Map<string, import("onnxruntime-node").Tensor>} */
const slots = new Map();

/** What was asked for is gone: the caller's mistake, and told apart from ONNX Runtime's own failures. */
const gone = (message) => Object.assign(new Error(message), { code: "RUNTIME_CLOSED" });

/** Work of several calls ends between two of them once the runtime is closed. */
const requireOpen = () => {
  if (Atomics.load(workerData.stop, 0) !== 0) throw gone("the worker was closed");
};
const sessionOf = (session) => {
  const loaded = sessions.get(session);
  if (!loaded) throw gone("the session was released");
  return loaded;
};
const slotOf = (name) => {
  const tensor = slots.get(name);
  if (!tensor) throw gone(`nothing is stored in slot "${name}"`);
  return tensor;
};
/** What a graph reads, from what is offered for this step and from slots. */
const feedsOf = (inputs, names, offered) =>
  Object.fromEntries(inputs.map((name) => [name, offered[name] ?? slotOf(names[name])]));

const memory = new Map();
/** What a training writes into, made with its first step and gone with its session. */
const memoryOf = (key, make) => {
  if (!memory.has(key)) memory.set(key, make());
  return memory.get(key);
};

setFlagsFromString("--expose-gc");
const collectYoung = runInNewContext("gc");
let waste = 0;
/**
 * ONNX Runtime's results are copies, and what they replace waits for the garbage collector, which sees the small objects and not the
 * megabytes behind them. Called when there are enough, for a part of a millisecond.
 */
const collect = (bytes) => {
  waste += bytes;
  if (waste < 16 * 2 ** 20) return;
  waste = 0;
  collectYoung({ type: "minor" });
};

const sessionOptions = (threads) => ({
  executionProviders: [workerData.provider],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  // A plan of memory is made beside what the first run took: half as much again, for nothing that could be measured.
  enableMemPattern: false,
  graphOptimizationLevel: "all",
  logSeverityLevel: 3,
  // Numbers below 1e-38 count as 0: the processor takes a hundred times as long for them, and masked attention is full of them.
  extra: { session: { set_denormal_as_zero: "1" } },
});

/**
 * From ONNX Runtime's trace to microseconds by operator, in one run. A Loop or Scan is traced as a whole and its inner operators one
 * by one, so that what it does itself is the whole less these: they lie inside its time.
 */
const operatorTimes = (trace, runs) => {
  const events = trace.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"));
  const seen = events.slice(Math.floor(events.length / 2));
  const times = new Map();
  const add = (operator, microseconds, calls) => {
    const known = times.get(operator) ?? { operator, calls: 0, microseconds: 0 };
    known.calls += calls;
    known.microseconds += microseconds;
    times.set(operator, known);
  };
  // Inner operators end before the one that holds them, which therefore comes after them in the trace.
  let open = [];
  for (const { args, ts, dur } of seen) {
    const inner = open.filter((event) => event.ts >= ts);
    const within = inner.reduce((sum, event) => sum + event.dur, 0);
    open = [...open.slice(0, open.length - inner.length), { ts, dur }].slice(-4096);
    add(args.op_name, Math.max(0, dur - within), 1);
  }
  const share = runs / 2;
  return [...times.values()]
    .map((one) => ({ ...one, calls: one.calls / share, microseconds: one.microseconds / share }))
    .sort((a, b) => b.microseconds - a.microseconds);
};
const toTensor = ({ dtype, data, shape }) => new Tensor(dtype, data, shape);
const toValue = (tensor) => ({ dtype: tensor.type, data: tensor.data, shape: [...tensor.dims] });

const actions = {
  async load({ session, model, threads = workerData.threads }) {
    sessions.set(session, loadSession(model, sessionOptions(threads)));
  },
  /** Feeds are values or names of slots; `keep` stores outputs in slots, `fetch` sends outputs back. */
  async run({ session, feeds, keep, fetch, repeat = 1 }) {
    const loaded = sessionOf(session);
    const given = {};
    for (const [name, value] of Object.entries(feeds))
      given[name] = typeof value === "string" ? slotOf(value) : toTensor(value);
    const fetches = Object.fromEntries([...Object.keys(keep), ...fetch].map((name) => [name, null]));
    let results;
    const milliseconds = [];
    for (let i = 0; i < repeat; i++) {
      requireOpen();
      const start = performance.now();
      results = loaded.run(given, fetches);
      milliseconds.push(performance.now() - start);
    }
    for (const [name, slot] of Object.entries(keep)) slots.set(slot, results[name]);
    return { outputs: Object.fromEntries(fetch.map((name) => [name, toValue(results[name])])), milliseconds };
  },
  runShards: async (call) => runShards({ sessionOf, slotOf, feedsOf, memoryOf, requireOpen, collect }, call),
  /** ONNX Runtime writes what it observed into a file; what counts of it is how long each operator's own work took. */
  async profile({ model, feeds, fetch, repeat, threads }) {
    const folder = await mkdtemp(join(tmpdir(), "fathom-profile-"));
    try {
      const session = loadSession(model, {
        ...sessionOptions(threads),
        enableProfiling: true,
        profileFilePrefix: join(folder, "profile"),
      });
      const given = {};
      for (const [name, value] of Object.entries(feeds))
        given[name] = typeof value === "string" ? slotOf(value) : toTensor(value);
      const fetches = Object.fromEntries(fetch.map((name) => [name, null]));
      for (let i = 0; i < repeat; i++) {
        requireOpen();
        session.run(given, fetches);
      }
      session.endProfiling();
      session.release();
      const [file] = await readdir(folder);
      return operatorTimes(JSON.parse(await readFile(join(folder, file), "utf8")), repeat);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
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
    sessions.get(session)?.release();
    sessions.delete(session);
    for (const key of memory.keys()) if (key.split(" ").includes(String(session))) memory.delete(key);
  },
};

// One at a time, in the order of arrival: a run reads slots that the run before it wrote.
let turn = Promise.resolve();
parentPort.on("message", ({ id, action, args }) => {
  if (action === "close") {
    turn = turn.then(() => parentPort.close());
    return;
  }
  turn = turn.then(async () => {
    try {
      parentPort.postMessage({ id, result: await actions[action](args) });
    } catch (error) {
      const { message = String(error), code } = error ?? {};
      parentPort.postMessage({ id, error: message, code });
    }
  });
});
