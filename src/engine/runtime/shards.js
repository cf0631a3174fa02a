// One worker's part of training steps that several worker threads make together. Each makes the gradients of its shards of the batch, adds
// up its blocks of all of them, and moves these blocks of the parameters. The workers meet three times in a step: when all gradients
// are there, when they are added up, since clipping asks for the length of the whole, and when all blocks have moved.
//
// Within a call a worker keeps its blocks to itself; between calls the shared memory is the state (`SharedTraining` in `runtime.ts`).
import { Tensor } from "./native-session.js";

const floats = (...shape) => new Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const scalar = (values, at) => new Tensor("float32", values.subarray(at, at + 1), []);

/** @param worker what the worker has: its sessions and slots, memory that stays with a session, and whether it may go on */
export function runShards(worker, call) {
  const { learnedSize, slots: names, carried, mirrored, shared, steps, workers } = call;
  const whole = shared.carried.map((buffer) => new Float32Array(buffer));
  const totals = new Float32Array(shared.totals);
  const squares = new Float64Array(shared.squares);
  const meeting = new Int32Array(shared.meeting);
  const parameters = worker.slotOf(names.parameters).data; // the native part does not read shared memory
  const { parts, own, spare } = worker.memoryOf(`${call.gradient} ${call.update}`, () => memoryFor(call));
  const [losses, gradientNorms] = [new Float32Array(steps), new Float32Array(steps)];
  let met = 0;
  const meetAll = () => meet(meeting, ++met * workers, worker.requireOpen);

  const started = performance.now();
  for (const { from, carried: values } of own)
    for (const [i, { data }] of values.entries()) data.set(whole[i].subarray(from, from + call.block));
  for (let step = 0; step < steps; step++) {
    worker.requireOpen();
    makeGradients(worker, call, step, { parts, totals });
    meetAll();
    const shares = sharesOf(totals, call.shards);
    losses[step] = shares.reduce(
      (sum, share, rank) => (share === 0 ? sum : sum + share * totals[2 * rank]),
      0,
    );
    addUpBlocks(call, shares, { own, squares, statistics: parameters.subarray(learnedSize) });
    meetAll();
    gradientNorms[step] = Math.sqrt(squares.reduce((sum, part) => sum + part, 0));
    moveBlocks(worker, call, step, { own, spare, norm: scalar(gradientNorms, step), moved: whole[0] });
    meetAll();
    parameters.set(whole[0].subarray(0, learnedSize));
  }
  // Of `whole[0]`, which another worker may still be reading, the last step has written these bits already: they change nothing.
  for (const { from, carried: values } of own)
    for (const [i, { data }] of values.entries()) whole[i].set(data, from);
  meetAll();
  for (const name of mirrored)
    worker.slotOf(names[name]).data.set(whole[carried.indexOf(name)].subarray(0, learnedSize));
  return { losses, gradientNorms, milliseconds: performance.now() - started };
}

/** What results are written into. What travels from step to step has two places: one is read while the other is written. */
function memoryFor({ size, block, blocks, carried, shared }) {
  const slice = (buffer, from) => new Float32Array(buffer).slice(from, from + block);
  return {
    parts: { gradient: floats(size), loss: floats(), weight: floats() },
    own: blocks.map((number) => ({
      number,
      from: number * block,
      mean: floats(block),
      carried: carried.map(() => floats(block)),
      perValue: Object.fromEntries(
        Object.entries(shared.perValue).map(([name, buffer]) => [
          name,
          new Tensor("float32", slice(buffer, number * block), [block]),
        ]),
      ),
    })),
    spare: carried.map(() => floats(block)),
  };
}

/** The gradients of this worker's shards, their losses and weights, into shared memory. */
function makeGradients({ sessionOf, feedsOf, collect }, call, step, { parts, totals }) {
  const { size, rows, shards, ranks, seeds, indices, weights, inputs, slots } = call;
  const gradients = new Float32Array(call.shared.gradients);
  for (const rank of ranks) {
    const first = (step * shards + rank) * rows;
    const offered = {
      // Shards draw other random numbers: the seed is apart by the golden ratio of 32 bits.
      seed: new Tensor("uint32", Uint32Array.of(seeds[step] + Math.imul(rank, 0x9e3779b9)), []),
      indices: new Tensor("int64", indices.subarray(first, first + rows), [rows]),
      weights: new Tensor("float32", weights.subarray(first, first + rows), [rows]),
    };
    sessionOf(call.gradient).run(feedsOf(inputs.gradient, slots, offered), parts);
    gradients.set(parts.gradient.data, rank * size);
    totals.set([parts.loss.data[0], parts.weight.data[0]], rank * 2);
  }
  collect(ranks.length * size * Float32Array.BYTES_PER_ELEMENT);
}

/** This worker's blocks of the mean gradient, with their squares for all; the statistics, which are few, whole. */
function addUpBlocks({ size, learnedSize, block, shared }, shares, { own, squares, statistics }) {
  const gradients = new Float32Array(shared.gradients);
  for (const { number, from, mean } of own) {
    addUp(gradients, shares, size, from, Math.min(block, learnedSize - from), mean.data);
    squares[number] = squaresOf(mean.data);
  }
  addUp(gradients, shares, size, learnedSize, statistics.length, statistics);
}

/** The next values of this worker's blocks; those of the parameters go to `moved` for all. */
function moveBlocks({ sessionOf, feedsOf, collect }, call, step, { own, spare, norm, moved }) {
  const { carried, inputs, slots, block } = call;
  const settings = Object.entries(call.settings).map(([name, values]) => [name, scalar(values, step)]);
  for (const part of own) {
    const offered = {
      ...Object.fromEntries(settings),
      ...part.perValue,
      gradient: part.mean,
      gradient_norm: norm,
    };
    for (const [i, name] of carried.entries()) offered[name] = part.carried[i];
    const next = Object.fromEntries(carried.map((name, i) => [`next_${name}`, spare[i]]));
    sessionOf(call.update).run(feedsOf(inputs.update, slots, offered), next);
    for (const i of carried.keys()) [part.carried[i], spare[i]] = [spare[i], part.carried[i]];
    moved.set(part.carried[0].data, part.from);
  }
  collect(own.length * carried.length * block * Float32Array.BYTES_PER_ELEMENT);
}

/** Another worker's failure, of which that one says the reason. */
const left = (message) => Object.assign(new Error(message), { code: "SHARD_LEFT" });

/** Waits until `arrivals` workers have come by: a moment awake, because they come at nearly the same time, then asleep. */
function meet(meeting, arrivals, requireOpen) {
  if (Atomics.add(meeting, 0, 1) + 1 === arrivals) {
    Atomics.notify(meeting, 0);
    return;
  }
  for (let turn = 0; ; turn++) {
    const arrived = Atomics.load(meeting, 0);
    if (arrived >= arrivals) return;
    if (Atomics.load(meeting, 1) !== 0) throw left("another shard of this step failed");
    requireOpen();
    if (turn > 20_000) Atomics.wait(meeting, 0, arrived, 100);
  }
}

/** What each shard counts for: the weight of its samples among all, and all the same in a batch without weight. */
function sharesOf(totals, shards) {
  const weights = Array.from({ length: shards }, (_, rank) => totals[rank * 2 + 1]);
  const all = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (all === 0 ? 1 / shards : weight / all));
}

/** The weighted sum of the shards' gradients from one value on, into `sum`. The order is that of the shards, whoever adds them up. */
function addUp(gradients, shares, size, from, count, sum) {
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
}

function squaresOf(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * values[i];
  return total;
}
