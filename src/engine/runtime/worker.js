// The thread that owns ONNX Runtime. `session.run` blocks the thread it is called on, so nothing that serves requests calls it.
// Plain JavaScript, because a worker is started from a file and the same file must serve the sources and the build.
//
// Tensors live in named slots on this side, so that parameters and data sets cross the thread border once, not per step.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";

const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node");

/** @type {Map<number, import("onnxruntime-node").InferenceSession>} */
const sessions = new Map();
/** @type {Map<string, import("onnxruntime-node").Tensor>} */
const slots = new Map();

/** Work of several calls ends between two of them once the runtime is closed. */
const requireOpen = () => {
  if (Atomics.load(workerData.stop, 0) !== 0) throw new Error("the worker was closed");
};
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
/** What a graph reads, from what is offered for this step and from slots. */
const feedsOf = (inputs, names, offered) =>
  Object.fromEntries(inputs.map((name) => [name, offered[name] ?? slotOf(names[name])]));

/** Waits until `arrivals` workers have come by: a moment awake, because they come at nearly the same time, then asleep. */
const meet = (meeting, arrivals) => {
  if (Atomics.add(meeting, 0, 1) + 1 === arrivals) {
    Atomics.notify(meeting, 0);
    return;
  }
  for (let turn = 0; ; turn++) {
    const arrived = Atomics.load(meeting, 0);
    if (arrived >= arrivals) return;
    if (Atomics.load(meeting, 1) !== 0) throw new Error("another shard of this step failed");
    requireOpen();
    if (turn > 20_000) Atomics.wait(meeting, 0, arrived, 100);
  }
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
    sessions.set(session, await InferenceSession.create(model, sessionOptions(threads)));
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
      requireOpen();
      const start = performance.now();
      results = await loaded.run(given, [...Object.keys(keep), ...fetch]);
      milliseconds.push(performance.now() - start);
    }
    for (const [name, slot] of Object.entries(keep)) slots.set(slot, results[name]);
    return { outputs: Object.fromEntries(fetch.map((name) => [name, toValue(results[name])])), milliseconds };
  },
  /**
   * This worker's part of several training steps: the gradients of its shards, the meeting with the other workers, and then the
   * update, which every worker makes alike, so that no parameters have to travel.
   */
  async runShards({ gradient, update, inputs, slots: names, carried, ranks, shared, ...run }) {
    const { size, shards, rows, steps, settings, seeds, indices, weights, workers } = run;
    const [gradientSession, updateSession] = [sessionOf(gradient), sessionOf(update)];
    const regions = (buffer, length) =>
      [0, 1].map((region) => new Float32Array(buffer, region * length * 4, length));
    const sharedGradients = regions(shared.gradients, shards * size);
    const sharedTotals = regions(shared.totals, shards * 2);
    const meeting = new Int32Array(shared.meeting);
    const gradients = new Float32Array(shards * size);
    const [losses, gradientNorms] = [new Float32Array(steps), new Float32Array(steps)];
    const started = performance.now();
    for (let step = 0; step < steps; step++) {
      requireOpen();
      const [ofGradients, ofTotals] = [sharedGradients[step % 2], sharedTotals[step % 2]];
      for (const rank of ranks) {
        const from = (step * shards + rank) * rows;
        const offered = {
          // Shards draw other random numbers: the seed is apart by the golden ratio of 32 bits.
          seed: new Tensor("uint32", Uint32Array.of(seeds[step] + Math.imul(rank, 0x9e3779b9)), []),
          indices: new Tensor("int64", indices.subarray(from, from + rows), [rows]),
          weights: new Tensor("float32", weights.subarray(from, from + rows), [rows]),
        };
        const feeds = feedsOf(inputs.gradient, names, offered);
        const results = await gradientSession.run(feeds, ["gradient", "loss", "weight"]);
        const weight = results.weight.data[0];
        // A mean over no weight is no number, and counts for nothing.
        if (weight === 0) ofGradients.fill(0, rank * size, (rank + 1) * size);
        else ofGradients.set(results.gradient.data, rank * size);
        ofTotals.set([weight === 0 ? 0 : results.loss.data[0], weight], rank * 2);
      }
      meet(meeting, (step + 1) * workers);
      gradients.set(ofGradients);
      const column = (place) =>
        Float32Array.from({ length: shards }, (_, rank) => ofTotals[rank * 2 + place]);
      const offered = {
        gradients: new Tensor("float32", gradients, [shards, size]),
        losses: new Tensor("float32", column(0), [shards, 1]),
        shard_weights: new Tensor("float32", column(1), [shards]),
      };
      for (const [name, values] of Object.entries(settings))
        offered[name] = new Tensor("float32", values.subarray(step, step + 1), []);
      const next = carried.map((name) => `next_${name}`);
      const results = await updateSession.run(feedsOf(inputs.update, names, offered), [
        ...next,
        "loss",
        "gradient_norm",
      ]);
      carried.forEach((name, i) => {
        slots.set(names[name], results[next[i]]);
      });
      losses[step] = results.loss.data[0];
      gradientNorms[step] = results.gradient_norm.data[0];
    }
    return { losses, gradientNorms, milliseconds: performance.now() - started };
  },
  /** ONNX Runtime writes what it observed into a file; what counts of it is how long each operator's own work took. */
  async profile({ model, feeds, repeat, threads }) {
    const folder = await mkdtemp(join(tmpdir(), "fathom-profile-"));
    try {
      const session = await InferenceSession.create(model, {
        ...sessionOptions(threads),
        enableProfiling: true,
        profileFilePrefix: join(folder, "profile"),
      });
      const given = {};
      for (const [name, value] of Object.entries(feeds))
        given[name] = typeof value === "string" ? slotOf(value) : toTensor(value);
      for (let i = 0; i < repeat; i++) {
        requireOpen();
        await session.run(given);
      }
      session.endProfiling();
      await session.release();
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
    await sessions.get(session)?.release();
    sessions.delete(session);
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
      parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
