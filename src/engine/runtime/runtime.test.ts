import type { Worker } from "node:worker_threads";
import { afterAll, describe, expect, test, vi } from "vitest";
import { evaluate, input, matmul, mul, sum, tanh, traceGraph } from "../index.ts";
import { toOnnx } from "../onnx/model.ts";
import { createRuntime, type TensorValue } from "./runtime.ts";

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

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const vector = (...data: number[]): TensorValue => ({
  dtype: "float32",
  shape: [data.length],
  data: Float32Array.from(data),
});
const x = input("x", [2]);
const double = toOnnx(traceGraph({ y: mul(x, 2), z: mul(x, 3) }));

/** A graph that keeps the worker busy for many repetitions, with its input. */
const size = 256;
const square = input("square", [size, size]);
const heavy = toOnnx(traceGraph({ total: sum(tanh(matmul(square, square))) }));
const matrix: TensorValue = { dtype: "float32", shape: [size, size], data: new Float32Array(size * size) };

describe("a session", () => {
  test("reads values and slots, sends outputs back and keeps others", async () => {
    const session = await runtime.load(double);
    await runtime.put("state", vector(1, 2));
    const feeds = { x: "state" };
    for (const expected of [3, 9, 27]) {
      const { outputs } = await session.run({ feeds, keep: { z: "state" }, fetch: ["z"] });
      expect([...outputs.z.data]).toEqual([expected, 2 * expected]);
    }
    const { outputs } = await session.run({ feeds: { x: vector(5, 6) }, fetch: ["y"] });
    expect(outputs).toEqual({ y: vector(10, 12) });
    expect(await runtime.get("state")).toEqual(vector(27, 54));
    await session.release();
  });

  test("ignores feeds that its graph does not read", async () => {
    const session = await runtime.load(double);
    const { outputs } = await session.run({ feeds: { x: vector(1, 1), other: vector(7) }, fetch: ["y"] });
    expect([...outputs.y.data]).toEqual([2, 2]);
    await session.release();
  });

  test("leaves the event loop free while it runs", async () => {
    const session = await runtime.load(heavy);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const { milliseconds } = await session.run({ feeds: { square: matrix }, fetch: ["total"], repeat: 60 });
    clearInterval(timer);
    expect(milliseconds).toHaveLength(60);
    expect(ticks).toBeGreaterThan(0); // a run on this thread would leave none
    await session.release();
  });

  test("turns every error of ONNX Runtime into a rejected promise, and goes on", async () => {
    await expect(runtime.load(Uint8Array.of(1, 2, 3))).rejects.toThrow(/^ONNX Runtime: /);
    const session = await runtime.load(double);
    const run = (value: TensorValue) => session.run({ feeds: { x: value }, fetch: ["y"] });
    await expect(run(vector(1, 2, 3))).rejects.toThrow(/^ONNX Runtime: .*Got: 3 Expected: 2/s);
    await expect(session.run({ feeds: {}, fetch: ["y"] })).rejects.toThrow(/^ONNX Runtime: .*x/);
    await expect(session.run({ feeds: { x: "nowhere" }, fetch: ["y"] })).rejects.toThrow(
      'ONNX Runtime: nothing is stored in slot "nowhere"',
    );
    await expect(runtime.get("nowhere")).rejects.toThrow('nothing is stored in slot "nowhere"');
    expect([...(await run(vector(1, 2))).outputs.y.data]).toEqual([2, 4]);
    await session.release();
    await expect(run(vector(1, 2))).rejects.toMatchObject({
      code: "RUNTIME_CLOSED",
      message: "ONNX Runtime: the session was released",
    });
  });
});

describe("a slot", () => {
  test("takes a value's memory, or a copy when asked", async () => {
    const moved = vector(1, 2);
    const copied = vector(3, 4);
    await runtime.put("moved", moved);
    await runtime.put("copied", copied, { copy: true });
    expect(moved.data.length).toBe(0);
    expect([...copied.data]).toEqual([3, 4]);
    expect(await runtime.get("moved")).toEqual(vector(1, 2));
    await runtime.drop("moved", "copied");
    await expect(runtime.get("moved")).rejects.toThrow("nothing is stored");
  });

  test("gets a name of its own from the runtime", () => {
    expect(runtime.slot("parameters")).not.toBe(runtime.slot("parameters"));
  });

  test("rejects a value whose memory has gone", async () => {
    const value = vector(1);
    await runtime.put("first", value);
    await expect(runtime.put("second", value)).rejects.toThrow(
      "second: expected 1 values for shape [1], received 0",
    );
    expect(await runtime.get("first")).toEqual(vector(1));
  });
});

describe("a runtime", () => {
  test("works beside another one", async () => {
    const other = createRuntime({ threads: 1 });
    await Promise.all([runtime.put("same", vector(1)), other.put("same", vector(2))]);
    expect(await Promise.all([runtime.get("same"), other.get("same")])).toEqual([vector(1), vector(2)]);
    const feeds = { x: vector(1, 2) };
    const [[here], [there]] = await Promise.all([
      evaluate([mul(x, 2)], feeds, runtime),
      evaluate([mul(x, 3)], feeds, other),
    ]);
    expect([here, there]).toEqual([vector(2, 4), vector(3, 6)]);
    await other.close();
  });

  test("runs on a provider that it does not have: not at all, and says so", async () => {
    const graphics = createRuntime({ provider: "cuda" });
    const outcome = await graphics.load(double).then(
      () => "this machine has it",
      (error) => error.code,
    );
    expect(["this machine has it", "PROVIDER_UNAVAILABLE"]).toContain(outcome);
    await graphics.close();
  });

  test("rejects what is under way when it is closed, and everything afterwards", async () => {
    const short = createRuntime({ threads: 1 });
    const session = await short.load(heavy);
    const running = session.run({ feeds: { square: matrix }, fetch: ["total"], repeat: 20 });
    const behind = short.get("anything");
    const outcome = Promise.allSettled([running, behind]);
    await short.close();
    for (const result of await outcome) {
      expect(result).toMatchObject({ status: "rejected", reason: { message: /was closed/ } });
    }
    await expect(short.get("anything")).rejects.toMatchObject({
      code: "RUNTIME_CLOSED",
      message: "ONNX Runtime's worker was closed",
    });
    await expect(session.run({ feeds: {}, fetch: [] })).rejects.toThrow("was closed");
    await short.close();
  });

  test("starts no workers beside it once it is closed", async () => {
    const short = createRuntime({ threads: 2 });
    await short.close();
    const before = workers.length;
    expect(() => short.peers(1)).toThrow(
      expect.objectContaining({ code: "RUNTIME_CLOSED", message: "ONNX Runtime's worker was closed" }),
    );
    expect(workers).toHaveLength(before);
  });

  test("rejects what is under way when its worker ends, with the reason ever after", async () => {
    const doomed = createRuntime({ threads: 1 });
    await doomed.load(double);
    // Idle: a thread that is ended inside ONNX Runtime would take this process with it.
    const outcome = expect(doomed.get("anything")).rejects.toThrow(
      "ONNX Runtime's worker ended with status 1",
    );
    await workers[workers.length - 1].terminate();
    await outcome;
    await expect(doomed.load(heavy)).rejects.toThrow("ended with status 1");
    await doomed.close();
  });
});
