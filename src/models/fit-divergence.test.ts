/** What is said of a training whose loss stops being a number. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  adam,
  add,
  type BatchTensors,
  createRuntime,
  exp,
  gather,
  mul,
  sgd,
  sqrt,
  sum,
  type Tensor,
} from "../engine/index.ts";
import { folderCheckpoints } from "./checkpoint.ts";
import { type FitOptions, fit } from "./fit.ts";
import { type FitTaskOptions, fitTask } from "./testing/fit-task.ts";

const runtime = createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "fathom-fit-divergence-"));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});
const task = (options: FitTaskOptions = {}) => fitTask(runtime, options);

test("stops when the loss is no number any more, and keeps the last good checkpoint", async () => {
  const checkpoints = folderCheckpoints(mkdtempSync(join(folder, "diverge-")), "run");
  await fit(task({ epochs: 1, checkpoints }));
  const wild = task({
    epochs: 5,
    checkpoints,
    schedule: () => (step) => (step < 4 ? 0.01 : 1e30),
    optimiser: adam(),
  });
  await expect(fit(wild)).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
  expect((await checkpoints.load())?.history.length).toBeGreaterThanOrEqual(1);
});

describe("a training that diverges names", () => {
  /** The usual loss, and something more from the targets. */
  const withTerm = (term: (values: Tensor) => Tensor, options: FitTaskOptions = {}): FitOptions => {
    const plain = task(options);
    return {
      ...plain,
      loss: (batch) => add(plain.loss(batch), sum(term(gather(batch.data.y, batch.indices)))),
    };
  };
  const messageOf = async (options: FitOptions): Promise<string> => {
    const error = await fit(options).then(
      () => expect.fail("expected a divergence"),
      (reason) => reason,
    );
    expect(error.code).toBe("TRAINING_DIVERGED");
    return error.message;
  };

  test.each([1, 4])("the operation that overflowed, in %i parts of a batch", async (shards) => {
    const overflowing = withTerm((y) => exp(mul(y, 100)), { shards });
    expect(await messageOf(overflowing)).toBe(
      `training: expected a finite loss, received Infinity in epoch 1, step 1, at learning rate 0.0200; first of all Infinity in exp float32[${16 / shards}, 1] behind data column y, in the forward pass`,
    );
  });

  test("the parameter that an update made infinite", async () => {
    // Two steps are fine, and the third is longer than float32 goes.
    const plain = task({ optimiser: sgd(), schedule: () => (step) => (step < 2 ? 1e-4 : 3e38) });
    const steep = { ...plain, loss: (batch: BatchTensors) => mul(plain.loss(batch), 100) };
    expect(await messageOf(steep)).toMatch(
      /epoch 1, step 4, at learning rate 3.00e\+38; first of all -?Infinity in parameter (layers\.0|head)\.\w+$/,
    );
  });

  test("the place in the backward pass where only the gradient is without bound", async () => {
    // sqrt has a finite value at 0 and an infinite slope.
    const plain = task();
    const [w] = plain.parameters;
    const steep = {
      ...plain,
      loss: (batch: BatchTensors) => add(plain.loss(batch), sum(sqrt(mul(w.parameter, 0)))),
    };
    expect(await messageOf(steep)).toMatch(
      /expected a finite gradient norm, received NaN in epoch 1, step 1, .* first of all -?Infinity in div float32\[32, 1\] behind parameter layers\.0\.weightInput, in the backward pass or update$/,
    );
  });

  test("what only the validation samples hold", async () => {
    const plain = task();
    const data = { ...plain.data, y: { ...plain.data.y, data: plain.data.y.data.slice() as Float32Array } };
    data.y.data[60] = Number.NaN;
    expect(await messageOf({ ...plain, data })).toMatch(
      /expected a finite validation loss, received NaN in epoch 1, step 4, .* first of all NaN in gather float32\[256, 1\] behind data column y, in the forward pass$/,
    );
  });

  test("the same tensor again, whatever part of an epoch ran in one call", async () => {
    const late = () =>
      withTerm((y) => mul(y, 0), { optimiser: sgd(), schedule: () => (step) => (step < 9 ? 0.01 : 1e38) });
    expect(await messageOf(late())).toBe(await messageOf(late()));
  });
});
