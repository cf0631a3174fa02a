import { describe, expect, onTestFinished, test, vi } from "vitest";
import { joinInputs, RequestQueue, splitOutputs } from "./request-queue.ts";
import { rows } from "./testing/models.ts";

function queue(settings: Partial<RequestQueue["settings"]> = {}) {
  let now = 0;
  const one = new RequestQueue({
    model: "m",
    settings: { maxBatchRows: 4, windowMs: 0, queueLimit: 10, timeoutMs: 1000, ...settings },
    batchable: true,
    elapsed: () => now,
    onArrival: () => {},
  });
  const add = (...values: readonly (readonly number[])[]) => {
    const answer = one.add({ inputs: { x: rows(...values) }, outputs: ["y"] });
    answer.catch(() => {}); // whoever wants to see a failure awaits it
    return answer;
  };
  return {
    one,
    add,
    pass: (ms: number) => {
      now += ms;
    },
  };
}
const rowsOf = (batch: readonly { rows: number }[]) => batch.map((one) => one.rows);

describe("a batch", () => {
  test("takes as many rows as fit, in the order of arrival, and only of one shape", () => {
    const { one, add } = queue();
    add([1, 1]);
    add([1, 1], [2, 2], [3, 3], [4, 4]);
    add([5, 5, 5]);
    add([6, 6], [7, 7]);
    expect(rowsOf(one.take())).toEqual([1, 2]);
    expect(rowsOf(one.take())).toEqual([4]);
    expect(rowsOf(one.take())).toEqual([1]);
    expect(one.depth).toBe(0);
  });

  test("is one request where rows may not run together, and after a failure", () => {
    const { one, add } = queue();
    for (let i = 0; i < 3; i++) add([i, i]);
    one.putBackAlone(one.take());
    expect([one.take(), one.take(), one.take()].map(rowsOf)).toEqual([[1], [1], [1]]);
    one.batchable = false;
    for (let i = 0; i < 2; i++) add([i, i]);
    expect(rowsOf(one.take())).toEqual([1]);
  });

  test("joins inputs along the first axis, and gives each request its own rows back", async () => {
    const { one, add } = queue();
    const first = add([1, 2], [3, 4]);
    const second = add([5, 6]);
    const batch = one.take();
    const [x] = joinInputs(batch);
    expect(x).toEqual({ name: "x", type: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    const timing = { queueMs: 0, computeMs: 0, batchRows: 3, batchRequests: 2 };
    const parts = splitOutputs(batch, {
      y: { datatype: "FP32", shape: [3, 1], data: Float32Array.of(7, 8, 9) },
    });
    for (const [i, pending] of batch.entries()) pending.resolve({ outputs: parts?.[i] ?? {}, timing });
    expect((await first).outputs.y).toEqual({ datatype: "FP32", shape: [2, 1], data: Float32Array.of(7, 8) });
    expect((await second).outputs.y).toEqual({ datatype: "FP32", shape: [1, 1], data: Float32Array.of(9) });
  });

  test("is not split where an output has other rows than the inputs", () => {
    const { one, add } = queue();
    add([1, 2]);
    add([3, 4]);
    const y = { datatype: "FP32", shape: [1], data: Float32Array.of(7) } as const;
    expect(splitOutputs(one.take(), { y })).toBeUndefined();
  });
});

describe("waiting", () => {
  test("lasts for the window under load only, and never for a lone client or a full batch", () => {
    const { one, add, pass } = queue({ windowMs: 5 });
    expect(one.dueIn(0, 0)).toBe(Number.POSITIVE_INFINITY);
    add([1, 1]);
    expect(one.dueIn(0, 0)).toBe(0); // nobody came with the last one either
    add([2, 2]);
    one.take();
    add([3, 3]);
    expect(one.dueIn(0, 0)).toBe(5);
    pass(2);
    expect(one.dueIn(2, 0)).toBe(3);
    expect(one.dueIn(9, 1)).toBe(0);
    for (let i = 0; i < 3; i++) add([i, i]);
    expect(one.dueIn(2, 1)).toBe(0);
  });

  test("ends with a refusal when too many wait", async () => {
    const { one, add } = queue({ queueLimit: 2 });
    add([1, 1]);
    add([2, 2]);
    await expect(add([3, 3])).rejects.toMatchObject({ kind: "unavailable", code: "SERVER_BUSY" });
    expect(one.depth).toBe(2);
    expect(one.retryAfterSeconds()).toBe(1);
    one.ran(1, 100_000);
    expect(one.retryAfterSeconds()).toBe(21); // 2 requests, at 0.9 * 1 + 0.1 * 100,000 ms each
  });

  test("ends for a caller who leaves", async () => {
    const { one, add } = queue();
    const leaving = new AbortController();
    const answer = one.add({ inputs: { x: rows([1, 1]) }, outputs: ["y"], signal: leaving.signal });
    add([2, 2]);
    leaving.abort();
    await expect(answer).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(one.depth).toBe(1);
    const late = one.add({ inputs: { x: rows([1, 1]) }, outputs: ["y"], signal: leaving.signal });
    await expect(late).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test("ends when the time is over, for what waits and for what runs", async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { one, add, pass } = queue({ timeoutMs: 100 });
    const running = add([1, 1]);
    one.take();
    pass(60);
    const waiting = add([2, 2]);
    pass(50);
    vi.advanceTimersByTime(110);
    await expect(running).rejects.toMatchObject({ kind: "unavailable", code: "INFERENCE_TIMEOUT" });
    expect(one.depth).toBe(1);
    pass(60);
    vi.advanceTimersByTime(110);
    await expect(waiting).rejects.toMatchObject({ code: "INFERENCE_TIMEOUT" });
    expect(one.depth).toBe(0);
  });

  test("is over for all before a queue has drained, and nobody is let in meanwhile", async () => {
    const { one, add } = queue();
    const answer = add([1, 1]);
    let drained = false;
    const draining = one.drain().then(() => {
      drained = true;
    });
    await expect(add([2, 2])).rejects.toMatchObject({ code: "SERVER_STOPPING" });
    expect(drained).toBe(false);
    one
      .take()[0]
      .resolve({ outputs: {}, timing: { queueMs: 0, computeMs: 0, batchRows: 1, batchRequests: 1 } });
    await answer;
    await draining;
    expect(drained).toBe(true);
  });
});
