/** What goes into and comes out of the engine's own benchmark. */
import { z } from "zod";
import { type BenchModelName, benchModels } from "./models.ts";

const names = Object.keys(benchModels) as [BenchModelName, ...BenchModelName[]];

export const EngineBenchInput = z.object({
  model: z
    .array(z.enum(names))
    .min(1)
    .default(["dense", "lstmSmall", "transformerLong", "tcn"])
    .describe("networks to train a few steps of"),
  seconds: z.number().min(0.1).max(60).default(2).describe("time for each network"),
  operators: z.int().min(1).max(50).default(8).describe("how many operators to list, the costliest first"),
});
export type EngineBenchInput = z.infer<typeof EngineBenchInput>;

export const EngineBenchOutput = z.object({
  productGflops: z
    .number()
    .describe("float32 product of two 1024 by 1024 matrices with all threads, GFLOP/s"),
  threads: z.int(),
  rows: z.array(
    z.object({
      model: z.enum(names),
      batch: z.int(),
      parameters: z.int(),
      buildMilliseconds: z.number(),
      milliseconds: z.number().describe("median of one training step"),
      samplesPerSecond: z.number(),
      gflops: z.number().describe("of the products, over the whole step, GFLOP/s"),
      shareOfProductRate: z.number().describe("gflops over productGflops"),
      operators: z
        .array(
          z.object({
            operator: z.string().describe("ONNX operator; Loop and Scan stand for what they do themselves"),
            calls: z.number().describe("in one step of one worker"),
            microseconds: z.number().describe("in one step of one worker, while it is being observed"),
            share: z.number(),
          }),
        )
        .describe("where the time of the graph goes, the costliest first"),
    }),
  ),
});
export type EngineBenchOutput = z.infer<typeof EngineBenchOutput>;
