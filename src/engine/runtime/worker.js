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

/** What a training writes into, made with its first step and gone with its session. */
const memoryOf = (key, make) => {
  if (!memory.has(key)) memory.set(key, make());
  return memory.get(key);
};
const memory = new Map();
const floats = (...shape) => new Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);

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
let waste = 0;
setFlagsFromString("--expose-gc");
const collectYoung = runInNewContext("gc");

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
/** What each shard counts for: the weight of its samples among all, and all the same in a batch without weight. */
const sharesOf = (totals, shards) => {
  const weights = Array.from({ length: shards }, (_, rank) => totals[rank * 2 + 1]);
  const all = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (all === 0 ? 1 / shards : weight / all));
};
/**
 * The weighted sum of the shards' gradients from one value on, into `sum`. The order is that of the shards, whoever adds them up.
 */
const addUp = (gradients, shares, size, from, count, sum) => {
  sum.fill(0);
  // What lies there of a shard without weight may be anything.
  const parts = shares.flatMap((share, rank) => (share === 0 ? [] : [{ share, at: rank * size + from }]));
  for (let next = 0; next < parts.length; next += 2) {
    const { share, at } = parts[next];
    // Two at a time: half as often through the sum.
    const { share: other, at: otherAt } = parts[next + 1] ?? { share: 0, at };
    if (other === 0) for (let i = 0; i < count; i++) sum[i] += share * gradients[at + i];
    else for (let i = 0; i < count; i++) sum[i] += share * gradients[at + i] + other * gradients[otherAt + i];
  }
};
const squaresOf = (values) => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * values[i];
  return total;
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
  /**
   * This worker's part of several training steps: the gradients of its shards, its blocks of their sum, and then the next values of these
   * blocks. The workers meet three times: when all gradients are there, when they are added up, since clipping asks for the length
   * of the whole, and when all blocks have moved. Within the call a worker keeps its blocks to itself; between calls the shared
   * memory is the state.
   */
  async runShards({
    gradient,
    update,
    inputs,
    slots: names,
    carried,
    mirrored,
    ranks,
    blocks,
    shared,
    ...run
  }) {
    const { size, learnedSize, block, shards, rows, steps, workers } = run;
    const { settings, seeds, indices, weights } = run;
    const [gradientSession, updateSession] = [sessionOf(gradient), sessionOf(update)];
    const gradients = new Float32Array(shared.gradients);
    const totals = new Float32Array(shared.totals);
    const squares = new Float64Array(shared.squares);
    const whole = shared.carried.map((buffer) => new Float32Array(buffer));
    const meeting = new Int32Array(shared.meeting);
    const parameters = slotOf(names.parameters).data; // the native part does not read shared memory
    const statistics = parameters.subarray(learnedSize);
    const [losses, gradientNorms] = [new Float32Array(steps), new Float32Array(steps)];
    // Results are written into memory that stays. What travels from step to step has two places: one is read while the other is written.
    const { parts, own, spare } = memoryOf(`${gradient} ${update}`, () => ({
      parts: { gradient: floats(size), loss: floats(), weight: floats() },
      own: blocks.map((number) => ({
        from: number * block,
        mean: floats(block),
        carried: carried.map(() => floats(block)),
        perValue: Object.entries(shared.perValue).map(([name, buffer]) => {
          const part = floats(block);
          part.data.set(new Float32Array(buffer).subarray(number * block, (number + 1) * block));
          return [name, part];
        }),
      })),
      spare: carried.map(() => floats(block)),
    }));
    for (const { from, carried: values } of own)
      for (const [i, { data }] of values.entries()) data.set(whole[i].subarray(from, from + block));
    let met = 0;
    const meetAll = () => meet(meeting, ++met * workers);
    const started = performance.now();
    for (let step = 0; step < steps; step++) {
      requireOpen();
      for (const rank of ranks) {
        const first = (step * shards + rank) * rows;
        const offered = {
          // Shards draw other random numbers: the seed is apart by the golden ratio of 32 bits.
          seed: new Tensor("uint32", Uint32Array.of(seeds[step] + Math.imul(rank, 0x9e3779b9)), []),
          indices: new Tensor("int64", indices.subarray(first, first + rows), [rows]),
          weights: new Tensor("float32", weights.subarray(first, first + rows), [rows]),
        };
        gradientSession.run(feedsOf(inputs.gradient, names, offered), parts);
        gradients.set(parts.gradient.data, rank * size);
        totals.set([parts.loss.data[0], parts.weight.data[0]], rank * 2);
      }
      meetAll();
      const shares = sharesOf(totals, shards);
      losses[step] = shares.reduce(
        (loss, share, rank) => (share === 0 ? loss : loss + share * totals[rank * 2]),
        0,
      );
      for (const { from, mean } of own) {
        addUp(gradients, shares, size, from, Math.min(block, learnedSize - from), mean.data);
        squares[from / block] = squaresOf(mean.data);
      }
      addUp(gradients, shares, size, learnedSize, statistics.length, statistics);
      meetAll();
      gradientNorms[step] = Math.sqrt(squares.reduce((sum, part) => sum + part, 0));
      const offered = { gradient_norm: new Tensor("float32", gradientNorms.subarray(step, step + 1), []) };
      for (const [name, values] of Object.entries(settings))
        offered[name] = new Tensor("float32", values.subarray(step, step + 1), []);
      const next = Object.fromEntries(carried.map((name, i) => [`next_${name}`, i]));
      for (const part of own) {
        const given = { ...offered, gradient: part.mean, ...Object.fromEntries(part.perValue) };
        carried.forEach((name, i) => {
          given[name] = part.carried[i];
        });
        updateSession.run(
          feedsOf(inputs.update, names, given),
          Object.fromEntries(Object.entries(next).map(([name, i]) => [name, spare[i]])),
        );
        carried.forEach((_, i) => {
          [part.carried[i], spare[i]] = [spare[i], part.carried[i]];
        });
        whole[0].set(part.carried[0].data, part.from);
      }
      meetAll();
      parameters.set(whole[0].subarray(0, learnedSize));
      collect((ranks.length * size + own.length * carried.length * block) * Float32Array.BYTES_PER_ELEMENT);
    }
    for (const { from, carried: values } of own)
      for (const [i, { data }] of values.entries()) whole[i].set(data, from);
    meetAll();
    for (const name of mirrored)
      slotOf(names[name]).data.set(whole[carried.indexOf(name)].subarray(0, learnedSize));
    return { losses, gradientNorms, milliseconds: performance.now() - started };
  },
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
      parentPort.postMessage({ id, error: message, gone: code === "RUNTIME_CLOSED" });
    }
  });
});
