/** What `toOnnx` writes, in every operator set that it offers, is a model for others too. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { foldIn, keyFrom } from "../../base/index.ts";
import {
  constant,
  createRuntime,
  Embedding,
  Gru,
  gradient,
  input,
  type Layer,
  LayerNorm,
  Linear,
  Lstm,
  loadOnnx,
  logSoftmax,
  mean,
  Rnn,
  randomUniform,
  readOnnx,
  relu,
  softmax,
  sum,
  type Tensor,
  toOnnx,
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

/** One graph of each kind that models are made of. */
const families: Record<string, Tensor> = {
  dense: relu(through(new Linear(3, 5, key("a")), new Linear(5, 2, key("b")))),
  lstm: through(new Lstm(3, 5, key("lstm")), new Linear(5, 2, key("b"))),
  gru: through(new Gru(3, 5, key("gru")), new Linear(5, 2, key("b"))),
  rnn: through(new Rnn(3, 5, key("rnn")), new Linear(5, 2, key("b"))),
  "layer norm": through(new LayerNorm(3), new Linear(3, 2, key("a"))),
  embedding: mean(new Embedding(7, 3, key("e")).apply(input("rows", ["batch", 4], "int64")), 1),
  softmax: softmax(logSoftmax(x)),
};

const feedsOf = (name: string, batch: number) =>
  name === "embedding"
    ? {
        rows: {
          dtype: "int64" as const,
          shape: [batch, 4],
          data: BigInt64Array.from({ length: 4 * batch }, (_, i) => BigInt(i % 7)),
        },
      }
    : {
        x: {
          dtype: "float32" as const,
          shape: [batch, 4, 3],
          data: Float32Array.from({ length: 12 * batch }, (_, i) => Math.sin(i)),
        },
      };

describe.each(Object.entries(families))("a graph with %s", (name, y) => {
  test("gives the same numbers in every operator set", async () => {
    const answers = await Promise.all(
      opsets.map(async (opset) => {
        const model = await loadOnnx(runtime, toOnnx(traceGraph({ y }), { opset }));
        const answer = await model.run(feedsOf(name, 2));
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
    const files = opsets
      .filter((opset) => opset <= newest)
      .flatMap((opset) =>
        Object.entries(families).map(([name, y]) => {
          const file = join(folder, `${name}-${opset}.onnx`);
          writeFileSync(file, toOnnx(traceGraph({ y }), { opset }));
          return file;
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
