/** How fast the engine trains on this machine, and where the time goes. */
import { type Context, quantile, throwIfAborted } from "../../base/index.ts";
import {
  createRuntime,
  input,
  matmul,
  profileTraining,
  type Runtime,
  toOnnx,
  traceGraph,
} from "../../engine/index.ts";
import { type BenchModelName, benchModels } from "./models.ts";
import type { EngineBenchInput, EngineBenchOutput } from "./schema.ts";
import { prepareSteps } from "./steps.ts";

/** Samples of a step, as the comparison with other libraries has them. */
const batchSizes: Readonly<Record<BenchModelName, number>> = {
  lstmSmall: 64,
  lstmLarge: 256,
  gruSmall: 64,
  gruLarge: 256,
  dense: 128,
  tabMlp: 256,
  transformerWide: 32,
  transformerLong: 64,
  gpt: 16,
  tcn: 64,
  cnn: 64,
};

export async function benchEngine(
  { model: names, seconds, operators }: EngineBenchInput,
  context: Context,
): Promise<EngineBenchOutput> {
  const { compute, clock, progress, signal } = context;
  const runtime = createRuntime(compute);
  try {
    const productGflops = await productRate(runtime);
    const rows: EngineBenchOutput["rows"] = [];
    for (const [done, name] of names.entries()) {
      throwIfAborted(signal, "bench");
      progress.report({ stage: "bench", done, total: names.length, unit: "networks", message: name });
      const batch = batchSizes[name];
      const prepared = await prepareSteps(benchModels[name], batch, runtime, () => clock.elapsed());
      await prepared.step(2);
      const times: number[] = [];
      const begun = clock.elapsed();
      while (times.length < 3 || clock.elapsed() - begun < seconds * 1000) {
        throwIfAborted(signal, "bench");
        times.push(...(await prepared.step(1)));
      }
      const milliseconds = quantile(times, 0.5);
      const gflops = prepared.program.flop / (milliseconds * 1e6);
      const profile = await profileTraining(runtime, prepared.program, { data: prepared.data, seed: 1 });
      await prepared.training.release();
      const total = profile.reduce((sum, { microseconds }) => sum + microseconds, 0);
      rows.push({
        model: name,
        batch,
        parameters: prepared.program.size,
        buildMilliseconds: prepared.buildMilliseconds,
        milliseconds,
        samplesPerSecond: (1000 * batch) / milliseconds,
        gflops,
        shareOfProductRate: gflops / productGflops,
        operators: profile
          .slice(0, operators)
          .map((one) => ({ ...one, share: total === 0 ? 0 : one.microseconds / total })),
      });
    }
    progress.report({ stage: "bench", done: names.length, total: names.length, unit: "networks" });
    return { productGflops, threads: compute.threads, rows };
  } finally {
    await runtime.close();
  }
}

/** GFLOP/s at the fastest of ten large products: the most the machine was seen to do. */
async function productRate(runtime: Runtime): Promise<number> {
  const n = 1024;
  const [a, b] = ["a", "b"].map((name) => input(name, [n, n]));
  const session = await runtime.load(toOnnx(traceGraph({ c: matmul(a, b) })));
  const matrix = { dtype: "float32" as const, shape: [n, n], data: new Float32Array(n * n).fill(0.5) };
  const { milliseconds } = await session.run({
    feeds: { a: matrix, b: matrix },
    fetch: [],
    keep: { c: "c" },
    repeat: 11,
  });
  await session.release();
  await runtime.drop("c");
  return (2 * n ** 3) / (Math.min(...milliseconds.slice(1)) * 1e6);
}
