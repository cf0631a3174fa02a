import type { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { ModelServer } from "./model-server.ts";
import type { BatchFacts } from "./pool.ts";
import type { ArmOutcome, Candidate, ServingPlan } from "./source.ts";
import { coupledModel, rows, servable, serverOf, tableModel, timesModel } from "./testing/models.ts";

const { workers } = vi.hoisted(() => ({ workers: [] as Worker[] }));
vi.mock("node:worker_threads", async (original) => {
  const module = await original<typeof import("node:worker_threads")>();
  class WatchedWorker extends module.Worker {
    constructor(...args: ConstructorParameters<typeof module.Worker>) {
      super(...args);
      workers.push(this);
    }
  }
  return { ...module, Worker: WatchedWorker };
});

const twice = servable("twice", "1", timesModel(2));
const thrice = servable("twice", "2", timesModel(3));

describe("requests that come together", () => {
  test("run in one batch, and each gets the answer that it would have got alone", async () => {
    const batches: BatchFacts[] = [];
    const server = serverOf({ twice: { primary: twice } }, { onBatch: (batch) => batches.push(batch) });
    await server.preload("twice");
    const number = fc.integer({ min: -1000, max: 1000 }); // twice as much is exact
    const values = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 20 }), async (requests) => {
        batches.length = 0;
        const answers = await Promise.all(
          requests.map((request) => server.infer({ name: "twice", inputs: { x: rows(...request) } })),
        );
        for (const [i, { outputs }] of answers.entries())
          expect(outputs.y).toEqual(rows(...requests[i].map((row) => row.map((value) => 2 * value))));
        const sent = requests.reduce((sum, request) => sum + request.length, 0);
        expect(batches.reduce((sum, batch) => sum + batch.rows, 0)).toBe(sent);
        expect(batches.length).toBe(requests.length === 1 || sent <= 64 ? 1 : batches.length);
        for (const batch of batches) expect(batch.rows).toBeLessThanOrEqual(64);
      }),
      { numRuns: 30 },
    );
  });

  test("run one by one where the rows of a model depend on each other", async () => {
    const server = serverOf({ shares: { primary: servable("shares", "1", coupledModel()) } });
    expect(await server.describe("shares")).toMatchObject({ batchable: false });
    const answers = await Promise.all(
      [rows([1, 2], [3, 2]), rows([5, 5])].map((x) => server.infer({ name: "shares", inputs: { x } })),
    );
    expect(answers.map(({ outputs }) => outputs.y)).toEqual([rows([0.25, 0.5], [0.75, 0.5]), rows([1, 1])]);
    expect(answers.map(({ timing }) => timing.batchRequests)).toEqual([1, 1]);
  });

  test("do not fail for the sake of one among them that is wrong", async () => {
    const server = serverOf({ table: { primary: servable("table", "1", tableModel()) } });
    await server.preload("table");
    const answers = await Promise.allSettled(
      [1n, 7n, 2n].map((place) =>
        server.infer({
          name: "table",
          inputs: { place: { datatype: "INT64", shape: [1], data: BigInt64Array.of(place) } },
        }),
      ),
    );
    expect(answers[0]).toMatchObject({ value: { outputs: { y: { data: Float32Array.of(20) } } } });
    expect(answers[1]).toMatchObject({
      reason: { code: "INFERENCE_FAILED", message: expect.stringMatching(/^table: ONNX Runtime: .*7/) },
    });
    expect(answers[2]).toMatchObject({ value: { outputs: { y: { data: Float32Array.of(30) } } } });
  });
});

describe("what does not fit a model", () => {
  const server = () => serverOf({ twice: { primary: twice } });
  test.each([
    [
      "another name",
      { z: rows([1, 2]) },
      'twice: expected input "x" of FP32[batch, 2], received none; expected input "x", received "z"',
    ],
    [
      "another shape",
      { x: rows([1, 2, 3]) },
      'twice: expected input "x" of FP32[batch, 2], received FP32[1, 3]',
    ],
    [
      "another datatype",
      { x: { datatype: "FP64", shape: [1, 2], data: Float64Array.of(1, 2) } as const },
      'twice: expected input "x" of FP32[batch, 2], received FP64[1, 2]',
    ],
    [
      "fewer values",
      { x: { datatype: "FP32", shape: [2, 2], data: Float32Array.of(1, 2) } as const },
      'twice: input "x": expected 4 values for shape [2, 2], received 2',
    ],
  ])("is refused: %s", async (_, inputs, message) => {
    await expect(server().infer({ name: "twice", inputs })).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
      message,
    });
  });

  test("is refused: an output that it does not have, a model, a version", async () => {
    const inputs = { x: rows([1, 2]) };
    const one = server();
    await expect(one.infer({ name: "twice", inputs, outputs: ["z"] })).rejects.toMatchObject({
      message: 'twice: expected output "y", received "z"',
    });
    await expect(one.infer({ name: "other", inputs })).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
    await expect(one.infer({ name: "twice", version: "9", inputs })).rejects.toMatchObject({
      message: 'expected a model of this server, received "twice", version "9"',
    });
  });

  test("is refused: a file that ONNX Runtime cannot run", async () => {
    const broken = { name: "broken", version: "1", digest: "0", read: async () => Uint8Array.of(1, 2, 3) };
    const one = serverOf({ broken: { primary: broken } });
    await expect(one.preload("broken")).rejects.toMatchObject({ code: "ONNX_INVALID" });
    await expect(one.preload("broken")).rejects.toMatchObject({ code: "ONNX_INVALID" }); // and not for ever "loading"
  });
});

describe("a model that is replaced", () => {
  test("answers every request on the way, first with the old version, then with the new one", async () => {
    const plans: Record<string, ServingPlan> = { twice: { primary: twice } };
    const server = serverOf(plans, { workers: 2 });
    await server.preload("twice");
    const versions: string[] = [];
    let going = true;
    const clients = Array.from({ length: 8 }, async () => {
      while (going) {
        const { model, outputs } = await server.infer({ name: "twice", inputs: { x: rows([1, 10]) } });
        const factor = model.version === "1" ? 2 : 3;
        expect(outputs.y).toEqual(rows([factor, 10 * factor]));
        versions.push(model.version);
      }
    });
    const enough = (version: string) =>
      vi.waitUntil(() => versions.filter((one) => one === version).length > 50);
    await enough("1");
    plans["twice"] = { primary: thrice };
    await server.refresh();
    await enough("2");
    going = false;
    await Promise.all(clients);
    expect(versions).toEqual([...versions].sort());
  });

  test("goes on answering when the new one cannot be loaded, and is gone when its source has none", async () => {
    const plans: Record<string, ServingPlan> = { twice: { primary: twice } };
    const warned: unknown[] = [];
    const logger = { info() {}, warn: (...words: unknown[]) => void warned.push(words) };
    const server = serverOf(plans, { logger });
    const ask = () => server.infer({ name: "twice", inputs: { x: rows([1, 2]) } });
    await ask();
    const broken = { name: "twice", version: "2", digest: "0", read: async () => Uint8Array.of(1) };
    plans["twice"] = { primary: broken };
    await server.refresh();
    expect((await ask()).model.version).toBe("1");
    expect(warned).toEqual([
      ["model not replaced", { model: "twice", reason: expect.stringContaining("expected") }],
    ]);
    delete plans["twice"];
    await server.refresh();
    await expect(ask()).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
  });

  test("makes room for others when more are asked for than fit, but not a served one", async () => {
    const plans = Object.fromEntries(
      [2, 3, 4].map((factor) => [`m${factor}`, { primary: servable(`m${factor}`, "1", timesModel(factor)) }]),
    );
    const server = serverOf(plans, { maxLoaded: 2 });
    await server.preload("m2");
    for (const name of ["m3", "m4", "m3"]) await server.infer({ name, inputs: { x: rows([1, 1]) } });
    const loaded = (await server.list()).filter((one) => one.loaded).map(({ name }) => name);
    expect(loaded).toEqual(["m2", "m3"]);
  });
});

describe("a candidate", () => {
  const candidate = (mode: Candidate["mode"], seen: ArmOutcome[] = []) => ({
    plan: "1",
    model: thrice,
    mode,
    isFor: (key: string) => key.startsWith("tried"),
    observe: (outcome: ArmOutcome) => void seen.push(outcome),
  });
  const ask = (server: ModelServer, key: string) =>
    server.infer({ name: "twice", inputs: { x: rows([1, -4]) }, key });

  test("as a canary answers those whom the plan names, and no others", async () => {
    const seen: ArmOutcome[] = [];
    const server = serverOf({ twice: { primary: twice, candidate: candidate("canary", seen) } });
    const keys = ["tried 1", "other 1", "tried 2", "other 2", "tried 1"];
    const answers = await Promise.all(keys.map((key) => ask(server, key)));
    expect(answers.map(({ model }) => model.version)).toEqual(["2", "1", "2", "1", "2"]);
    expect(answers[0].outputs.y).toEqual(rows([3, -12]));
    expect(seen.map(({ arm, failed }) => [arm, failed]).sort()).toEqual([
      ["candidate", false],
      ["candidate", false],
      ["candidate", false],
      ["primary", false],
      ["primary", false],
    ]);
  });

  test("as a shadow sees the requests that the plan names, and answers nobody", async () => {
    const seen: ArmOutcome[] = [];
    const compared: unknown[] = [];
    const server = serverOf(
      { twice: { primary: twice, candidate: candidate("shadow", seen) } },
      { onShadow: (comparison) => void compared.push(comparison) },
    );
    expect((await ask(server, "other")).outputs.y).toEqual(rows([2, -8]));
    expect((await ask(server, "tried")).outputs.y).toEqual(rows([2, -8]));
    await vi.waitUntil(() => compared.length === 1);
    // 2 and 3, -8 and -12: they differ by a third of the larger one.
    expect(compared).toEqual([{ name: "twice", primary: "1", shadow: "2", difference: 1 / 3 }]);
    expect(seen.map(({ arm }) => arm)).toEqual(["primary", "primary", "candidate"]);
    expect(seen[2]).toMatchObject({ outputs: { y: rows([3, -12]) }, expected: { y: rows([2, -8]) } });
  });

  test("that fails as a shadow is no failure of the request", async () => {
    const seen: ArmOutcome[] = [];
    const other = { ...candidate("shadow", seen), model: servable("twice", "2", tableModel()) };
    const server = serverOf({ twice: { primary: twice, candidate: other } });
    expect((await ask(server, "tried")).outputs.y).toEqual(rows([2, -8]));
    await vi.waitUntil(() => seen.length === 2);
    expect(seen[1]).toMatchObject({ arm: "candidate", failed: true });
  });

  test("is given up when the plan ends", async () => {
    const plans: Record<string, ServingPlan> = { twice: { primary: twice, candidate: candidate("canary") } };
    const server = serverOf(plans);
    expect((await ask(server, "tried")).model.version).toBe("2");
    plans["twice"] = { primary: twice };
    await server.refresh();
    expect((await ask(server, "tried")).model.version).toBe("1");
  });
});

test("a thread that dies takes its requests with it, and another one answers the next", async () => {
  const lost: string[] = [];
  const server = serverOf(
    { twice: { primary: twice } },
    { onThreadLost: ({ message }) => lost.push(message) },
  );
  const ask = () => server.infer({ name: "twice", inputs: { x: rows([1, 2]) } });
  await ask();
  workers.at(-1)?.postMessage({ action: "no such action" }); // ends the thread by an error that nothing catches
  await expect(ask()).rejects.toMatchObject({ kind: "unavailable", code: "INFERENCE_THREAD_LOST" });
  expect(lost).toEqual(["an inference thread failed: no action is called no such action"]);
  expect((await ask()).outputs.y).toEqual(rows([2, 4]));
});

test("ends what waits when it is closed", async () => {
  const server = serverOf({ twice: { primary: twice } });
  await server.preload("twice");
  const answers = Promise.allSettled(
    [1, 2, 3].map((n) => server.infer({ name: "twice", inputs: { x: rows([n, n]) } })),
  );
  await server.close();
  for (const answer of await answers)
    expect(answer).toMatchObject({ status: "rejected", reason: { code: "SERVER_STOPPING" } });
  await expect(server.infer({ name: "other", inputs: {} })).rejects.toMatchObject({
    code: "SERVER_STOPPING",
  });
});
