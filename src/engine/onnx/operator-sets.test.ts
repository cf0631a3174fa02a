/** What `toOnnx` writes, in every operator set that it offers, is a model for others too. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { foldIn, keyFrom } from "../../base/index.ts";
import {
  argMax,
  averagePool,
  BatchNorm,
  Conv2d,
  cast,
  concat,
  constant,
  cos,
  createRuntime,
  cumulativeSum,
  Embedding,
  elu,
  evaluate,
  flip,
  GroupNorm,
  Gru,
  gatherAlong,
  gelu,
  globalAveragePool,
  gradient,
  importOnnx,
  inference,
  input,
  type Layer,
  LayerNorm,
  LearnedPositions,
  Linear,
  Lstm,
  loadOnnx,
  logSoftmax,
  maxPool,
  mean,
  oneHot,
  RecurrentStack,
  Rnn,
  randomUniform,
  readOnnx,
  relu,
  reshape,
  sin,
  softmax,
  square,
  sum,
  type Tensor,
  type TensorValue,
  TransformerEncoderBlock,
  toOnnx,
  topK,
  traceGraph,
} from "../index.ts";
import { writableOpsets } from "./operator-versions.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const opsets = Array.from(
  { length: writableOpsets.to - writableOpsets.from + 1 },
  (_, i) => writableOpsets.from + i,
);
const x = input("x", ["batch", 4, 3]);
const key = (name: string) => foldIn(keyFrom(1), name);
const through = (...layers: Layer[]) => layers.reduce<Tensor>((h, layer) => layer.apply(h), x);

const floats = (...shape: number[]): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
});
const wholes = (shape: number[], of: (i: number) => number): TensorValue => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => BigInt(of(i))),
});

interface Family {
  readonly y: Tensor;
  /** Its inputs for a batch; x alone when left out. */
  readonly feeds?: (batch: number) => Record<string, TensorValue>;
  /** The oldest operator set that has all of its operators. */
  readonly from?: number;
}

/** One graph of each kind that models are made of. */
const families: Record<string, Family> = {
  dense: { y: relu(through(new Linear(3, 5, key("a")), new Linear(5, 2, key("b")))) },
  lstm: { y: through(new Lstm(3, 5, key("lstm")), new Linear(5, 2, key("b"))) },
  gru: { y: through(new Gru(3, 5, key("gru")), new Linear(5, 2, key("b"))) },
  rnn: { y: through(new Rnn(3, 5, key("rnn")), new Linear(5, 2, key("b"))) },
  "layer norm": { y: through(new LayerNorm(3), new Linear(3, 2, key("a"))) },
  softmax: { y: softmax(logSoftmax(x)) },
  embedding: {
    y: new Linear(3, 2, key("a")).apply(
      mean(
        new LearnedPositions(4, 3, key("p")).apply(
          new Embedding(7, 3, key("e")).apply(input("rows", ["batch", 4], "int64")),
        ),
        1,
      ),
    ),
    feeds: (batch) => ({ rows: wholes([batch, 4], (i) => i % 7) }),
  },
  "convolutions, batch norm and pools": {
    y: convolutional(input("image", ["batch", 2, 8, 6])),
    feeds: (batch) => ({ image: floats(batch, 2, 8, 6) }),
  },
  "causal attention": {
    y: through(
      new Linear(3, 8, key("a")),
      new TransformerEncoderBlock(
        8,
        { numHeads: 2, feedForwardSize: 16, activation: "gelu", causal: true, rotary: true },
        key("b"),
      ),
    ),
  },
  "attention with padding": {
    y: new TransformerEncoderBlock(8, { numHeads: 2, feedForwardSize: 16, norm: "after" }, key("b")).apply(
      input("tokens", ["batch", 4, 8]),
      inference,
      { visible: input("visible", ["batch", 4]) },
    ),
    feeds: (batch) => ({
      tokens: floats(batch, 4, 8),
      visible: {
        dtype: "float32",
        shape: [batch, 4],
        data: Float32Array.from({ length: 4 * batch }, (_, i) => (i % 4 === 3 ? 0 : 1)),
      },
    }),
  },
  "both directions of two GRUs over many lengths": {
    y: new RecurrentStack(3, 5, { cell: "gru", numLayers: 2, bidirectional: true }, key("stack")).run(
      x,
      inference,
      input("lengths", ["batch"], "int64"),
    ).last,
    feeds: (batch) => ({ x: floats(batch, 4, 3), lengths: wholes([batch], (i) => 1 + (i % 4)) }),
  },
  "order and position": {
    y: concat(
      [
        topK(cumulativeSum(x, 1), 2, 1).values,
        gatherAlong(sin(x), topK(x, 1, 1).indices, 1),
        flip(cos(x), 2),
        reshape(cast(oneHot(argMax(x, 2), 3), "float32"), ["batch", 4, 3]),
      ],
      1,
    ),
  },
  "a scatter": {
    y: gradient(sum(square(gatherAlong(x, topK(x, 2, 1).indices, 1))), [x])[0],
    from: 16, // ScatterElements adds since then
  },
};

function convolutional(image: Tensor): Tensor {
  const normalized = new BatchNorm(4).apply(
    new Conv2d(2, 4, 3, { padding: "same", bias: false }, key("c")).apply(image),
  );
  const halved = maxPool(gelu(normalized), 2);
  const deep = new Conv2d(4, 4, 3, { padding: 1, groups: 2, stride: [2, 1] }, key("d")).apply(halved);
  return globalAveragePool(
    averagePool(maxPool(elu(new GroupNorm(2, 4).apply(deep)), 3, { stride: 1, padding: 1 }), 2, {
      stride: 1,
    }),
  );
}

const setsOf = ({ from = 0 }: Family) => opsets.filter((opset) => opset >= from);

describe.each(Object.entries(families))("a graph with %s", (_, family) => {
  const { y, feeds = (batch) => ({ x: floats(batch, 4, 3) }), from = 0 } = family;
  test("gives the same numbers in every operator set that has its operators", async () => {
    const answers = await Promise.all(
      setsOf(family).map(async (opset) => {
        const model = await loadOnnx(runtime, toOnnx(traceGraph({ y }), { opset }));
        const answer = await model.run(feeds(2));
        await model.release();
        return [...answer.y.data].map(Number);
      }),
    );
    for (const answer of answers) {
      expect(answer.length).toBeGreaterThan(0);
      answer.forEach((value, i) => {
        expect(value).toBeCloseTo(answers[0][i], 5);
      });
    }
  });

  if (from > writableOpsets.from) {
    test("is refused by name in the sets before", () => {
      expect(() => toOnnx(traceGraph({ y }), { opset: from - 1 })).toThrow(
        `needs operator set ${from}, received ${from - 1}`,
      );
    });
  }

  test("gives equal numbers after import", async () => {
    const bytes = toOnnx(traceGraph({ y }));
    const imported = importOnnx(bytes);
    const given = Object.fromEntries(
      imported.inputs.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]),
    );
    const [before] = await evaluate([y], feeds(3), runtime);
    const [after] = await evaluate([imported.apply(given).y], feeds(3), runtime);
    expect(after.shape).toEqual(before.shape);
    after.data.forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(Number(before.data[i]), 5);
    });
  });
});

test("says which file version and operator set it is", () => {
  for (const [opset, irVersion] of [
    [13, 8],
    [18, 8],
    [20, 9],
    [21, 10],
  ])
    expect(readOnnx(toOnnx(traceGraph({ y: relu(x) }), { opset }))).toMatchObject({ opset, irVersion });
});

test.each([12, 22, 17.5])("offers no operator set %d", (opset) => {
  expect(() => toOnnx(traceGraph({ y: relu(x) }), { opset })).toThrow(
    `toOnnx: expected an operator set from 13 to 21, received ${opset}`,
  );
});

test("names the operator that a set does not have, and the set that it needs", () => {
  const random = randomUniform(constant(1, [], "uint32"), [3], 0);
  expect(() => toOnnx(traceGraph({ random }), { opset: 17 })).toThrow(
    expect.objectContaining({
      code: "ONNX_OPSET",
      message: "toOnnx: BitwiseXor needs operator set 18, received 17",
    }),
  );
  const rows = new Embedding(7, 3, key("e"));
  const [slope] = gradient(sum(rows.apply(constant([1, 2], [2], "int64"))), [rows.weight]);
  expect(() => toOnnx(traceGraph({ slope }), { opset: 15 })).toThrow(
    "toOnnx: ScatterND with reduction needs operator set 16, received 15",
  );
});

describe("the ONNX checker", () => {
  const python = "/usr/bin/python3";
  const found = spawnSync(python, ["-c", "import onnx; print(onnx.defs.onnx_opset_version())"], {
    encoding: "utf8",
  });
  const newest = found.status === 0 ? Number(found.stdout) : 0;
  if (newest === 0) {
    test.skip(`is not installed here (${python} has no module onnx)`, () => {});
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "fathom-checker-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test(`accepts every graph, in every operator set that it knows (to ${newest})`, { timeout: 60_000 }, () => {
    const kinds = Object.entries(families);
    const files = opsets
      .filter((opset) => opset <= newest)
      .flatMap((opset) =>
        kinds.flatMap(([name, family]) => {
          if (!setsOf(family).includes(opset)) return [];
          const file = join(folder, `${name}-${opset}.onnx`);
          writeFileSync(file, toOnnx(traceGraph({ y: family.y }), { opset }));
          return [file];
        }),
      );
    const program = [
      "import sys, onnx",
      "for file in sys.argv[1:]:",
      "    onnx.checker.check_model(onnx.load(file), full_check=True)",
      "print(len(sys.argv) - 1)",
    ].join("\n");
    const checked = spawnSync(python, ["-c", program, ...files], { encoding: "utf8" });
    expect(checked.stderr).toBe("");
    expect(Number(checked.stdout)).toBe(files.length);
  });
});
