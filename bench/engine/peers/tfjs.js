// tfjs-wasm's side: reads one JSON request per line, answers one JSON line. Started by peer.ts, in a process of its own
// so that neither side shares an event loop or a heap with the other.
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// tfjs greets on standard output, which here belongs to the answers.
console.log = console.info = console.warn = (...words) => process.stderr.write(`${words.join(" ")}\n`);

const { default: tf } = await import("@tensorflow/tfjs");
const { default: wasm } = await import("@tensorflow/tfjs-backend-wasm");

const entry = fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm"));
wasm.setWasmPaths(`${path.dirname(entry)}${path.sep}`);
await tf.setBackend("wasm");
await tf.ready();
if (tf.getBackend() !== "wasm") throw new Error(`expected the wasm backend, got ${tf.getBackend()}`);

const prepared = new Map();
const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
const threads = (await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT")) ? wasm.getThreadsCount() : 1;
answer({
  version: tf.version.tfjs,
  blas: `XNNPACK in wasm, simd ${simd ? "on" : "off"}, ${threads} thread(s)`,
});

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { work, repetitions } = JSON.parse(line);
    if (!prepared.has(work.name)) prepared.set(work.name, prepare(work));
    const step = prepared.get(work.name);
    const milliseconds = [];
    for (let i = 0; i < repetitions; i++) {
      const start = performance.now();
      await step();
      milliseconds.push(performance.now() - start);
    }
    answer({ milliseconds });
  } catch (error) {
    answer({ error: error instanceof Error ? error.message.split("\n")[0] : String(error) });
  }
}
process.exit(0);

/** A function that does the work once. */
function prepare({ model: { kind, sizes, steps, inFeatures, hiddenSize }, batch, task }) {
  const model = tf.sequential();
  const shape = kind === "dense" ? [sizes[0]] : [steps, inFeatures];
  if (kind === "dense") {
    for (const [i, units] of sizes.slice(1).entries()) {
      const activation = i < sizes.length - 2 ? "relu" : "linear";
      model.add(tf.layers.dense({ units, activation, ...(i === 0 && { inputShape: shape }) }));
    }
  } else {
    const recurrent = kind === "lstm" ? tf.layers.lstm : tf.layers.gru;
    model.add(recurrent({ units: hiddenSize, inputShape: shape }));
    model.add(tf.layers.dense({ units: 1 }));
  }
  const x = tf.randomNormal([batch, ...shape]);
  const y = tf.randomNormal([batch, 1]);
  if (task === "forward") {
    return async () => {
      const outcome = model.predict(x);
      await outcome.data();
      outcome.dispose();
    };
  }
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  return () => model.trainOnBatch(x, y);
}

function answer(reply) {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
