import { describe, expect, test } from "vitest";
import { createRuntime } from "../../engine/index.ts";
import { quietPorts } from "../forecast/testing/ports.ts";
import { benchEngineCapability } from "./index.ts";
import { benchModels } from "./models.ts";
import { networkOf, samplesOf } from "./networks.ts";
import { prepareSteps } from "./steps.ts";

describe("bench.engine", () => {
  test("measures a step and says which operators it is made of", async () => {
    const input = benchEngineCapability.input.parse({ model: ["dense"], seconds: 0.1, operators: 50 });
    const clock = { now: () => 0, elapsed: () => performance.now() };
    const context = { ...quietPorts(), clock } as unknown as Parameters<typeof benchEngineCapability.run>[1];
    const output = await benchEngineCapability.run(input, context);
    expect(benchEngineCapability.output.parse(output)).toEqual(output);
    const [{ operators, parameters, milliseconds, batch }] = output.rows;
    expect(parameters).toBe(64 * 128 + 128 + 128 * 64 + 64 + 64 + 1);
    expect([milliseconds > 0, batch]).toEqual([true, 128]);
    expect(operators.reduce((total, { share }) => total + share, 0)).toBeCloseTo(1, 6);
    // Forward, and the gradient by three weights and by two inputs: eight products, with or without a fused activation.
    const products = operators.filter(({ operator }) => operator.includes("Gemm"));
    expect(products.reduce((total, { calls }) => total + calls, 0)).toBeGreaterThanOrEqual(8);
    expect(benchEngineCapability.print?.(output)).toContain("dense, batch 128, 16641 parameters");
  });

  test("has networks that train, whatever their kind", async () => {
    const runtime = createRuntime({ threads: 1 });
    const tiny = [
      { kind: "tabMlp", numeric: 2, categories: 2, levels: 3, embedding: 2, hidden: [4] },
      { kind: "gpt", steps: 4, vocabulary: 5, features: 4, numHeads: 2, numLayers: 1 },
      { kind: "tcn", steps: 6, inFeatures: 2, channels: 3, levels: 2, kernel: 2 },
      { kind: "cnn", height: 4, width: 3, channels: [2, 2] },
      { kind: "gru", steps: 3, inFeatures: 2, hiddenSize: 3 },
    ] as const;
    for (const model of tiny) {
      const { step, training } = await prepareSteps(model, 3, runtime, () => 0);
      expect(await step(1)).toHaveLength(1);
      expect((await training.parameters()).every(Number.isFinite), model.kind).toBe(true);
      await training.release();
    }
    await runtime.close();
  });

  test("draws whole numbers below their bound", () => {
    const { inputs } = networkOf(benchModels.tabMlp);
    const { data } = samplesOf(inputs.codes, 50, 1);
    expect([...data].every((code) => code >= 0n && code < 32n)).toBe(true);
  });
});
