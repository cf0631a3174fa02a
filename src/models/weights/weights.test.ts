import { describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import { filled, Linear, type Parameter, parameter, parametersOf } from "../../engine/index.ts";
import { decode, encode, type StoredTensor } from "../safetensors.ts";
import { bertWeights } from "./bert.ts";
import { loadWeights, saveWeights } from "./weights.ts";

const file = (tensors: Record<string, StoredTensor>) => ({
  bytes: encode(new Map(Object.entries(tensors))),
  name: "weights.safetensors",
});
const floats = (shape: number[], values: number[]): StoredTensor => ({
  type: "F32",
  shape,
  data: Float32Array.from(values),
});
const zeros = (...shape: number[]): Parameter => parameter(filled(shape, 0));

describe("loading", () => {
  test("finds equal names without a mapping", () => {
    const model = { head: new Linear(2, 1, keyFrom(1)) };
    loadWeights(model, file({ "head.weight": floats([1, 2], [3, 4]), "head.bias": floats([1], [5]) }));
    expect([...model.head.weight.value, ...model.head.bias.value]).toEqual([3, 4, 5]);
  });

  test("renames by number and turns matrices around", () => {
    const model = { layers: [{ w: zeros(2, 3) }, { w: zeros(2, 3) }] };
    const stored = file({
      "h.0.c_fc": floats([3, 2], [1, 2, 3, 4, 5, 6]),
      "h.1.c_fc": floats([3, 2], [7, 8, 9, 10, 11, 12]),
    });
    loadWeights(model, stored, { rules: [{ from: "h.*.c_fc", to: "layers.*.w", transpose: true }] });
    expect([...model.layers[0].w.value]).toEqual([1, 3, 5, 2, 4, 6]);
    expect([...model.layers[1].w.value]).toEqual([7, 9, 11, 8, 10, 12]);
  });

  test("takes half precision of both kinds", () => {
    const model = { a: zeros(3), b: zeros(2) };
    const half = Uint16Array.of(0x3555, 0x7bff, 0x8000); // 0.333251953125, the largest, and minus zero
    const brain = Uint16Array.of(0x3eab, 0x7f7f); // 171/512, and the largest
    loadWeights(
      model,
      file({ a: { type: "F16", shape: [3], data: half }, b: { type: "BF16", shape: [2], data: brain } }),
    );
    expect([...model.a.value]).toEqual([0.333251953125, 65504, -0]);
    expect(model.b.value[0]).toBe(171 / 512);
    expect(model.b.value[1]).toBe(Math.fround(2 ** 127 * (1 + 127 / 128)));
  });

  test("names everything that does not fit in one error, and changes nothing", () => {
    const model = { a: zeros(2), b: zeros(1, 2), c: zeros(1), d: zeros(1) };
    const stored = file({
      a: floats([2], [1, 2]),
      b: floats([2, 1], [1, 2]),
      d: { type: "I64", shape: [1], data: BigInt64Array.of(1n) },
      x: floats([1], [1]),
      y: floats([1], [1]),
    });
    expect(() => loadWeights(model, stored, { rules: [{ from: "y", to: "z" }] })).toThrow(
      expect.objectContaining({
        code: "WEIGHTS_MISMATCH",
        message:
          'weights.safetensors: "d" for "d": expected real numbers, received I64; "b" for "b": expected [1, 2], received [2, 1]; unexpected "x"; unexpected "y" (renamed to "z"); missing "c"',
      }),
    );
    expect([...model.a.value]).toEqual([0, 0]);
  });

  test("refuses two tensors for one parameter, and says what it ignored", () => {
    const stored = file({ a: floats([1], [1]), b: floats([1], [2]) });
    expect(() => loadWeights({ a: zeros(1) }, stored, { rules: [{ from: "b", to: "a" }] })).toThrow(
      '"b" and "a" both stand for "a"',
    );
    expect(loadWeights({ a: zeros(1) }, stored, { ignore: ["b"] })).toEqual(["b"]);
  });
});

/** The tree that the mapping speaks of, at the smallest sizes that tell all of them apart. */
function tree() {
  const [vocabulary, positions, segments, width, inner] = [7, 5, 2, 4, 6];
  const affine = (out: number, into: number) => ({ weight: zeros(out, into), bias: zeros(out) });
  const norm = () => ({ scale: zeros(width), shift: zeros(width) });
  return {
    embeddings: {
      token: { weight: zeros(vocabulary, width) },
      position: { weight: zeros(positions, width) },
      segment: { weight: zeros(segments, width) },
      norm: norm(),
    },
    layers: [0, 1].map(() => ({
      attention: {
        query: affine(width, width),
        key: affine(width, width),
        value: affine(width, width),
        output: affine(width, width),
      },
      attentionNorm: norm(),
      feedForward: { up: affine(inner, width), down: affine(width, inner) },
      feedForwardNorm: norm(),
    })),
    pooler: affine(width, width),
    maskedLanguage: { transform: affine(width, width), norm: norm(), bias: zeros(vocabulary) },
  };
}

/** Every parameter of a tree filled with numbers of its own. */
function numbered() {
  const model = tree();
  for (const [i, { parameter: one }] of parametersOf(model).entries()) one.value.fill(i + 1);
  return model;
}
const valuesOf = (model: unknown) =>
  parametersOf(model).map(({ name, parameter: one }) => [name, one.value[0]]);

describe("a BERT checkpoint", () => {
  test("is written under Hugging Face's names and read back", () => {
    const bytes = saveWeights(numbered(), bertWeights);
    const names = [...decode(bytes, "bert.safetensors").tensors.keys()];
    expect(names).toEqual(
      expect.arrayContaining([
        "bert.embeddings.word_embeddings.weight",
        "bert.embeddings.LayerNorm.weight",
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.1.attention.output.dense.bias",
        "bert.encoder.layer.1.output.LayerNorm.bias",
        "bert.pooler.dense.weight",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.bias",
      ]),
    );
    const model = tree();
    loadWeights(model, { bytes, name: "bert.safetensors" }, bertWeights);
    expect(valuesOf(model)).toEqual(valuesOf(numbered()));
  });

  test("may have TensorFlow's names of norms, no prefix, and tensors that repeat others", () => {
    const { tensors } = decode(saveWeights(numbered(), bertWeights), "bert.safetensors");
    const old = [...tensors].map(([name, tensor]) => {
      const norms = name
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta");
      return [norms.replace(/^bert\./, ""), tensor] as const;
    });
    const positions = { type: "I64", shape: [1, 2], data: BigInt64Array.of(0n, 1n) } as const;
    const bytes = encode(
      new Map<string, StoredTensor>([
        ...old,
        ["embeddings.position_ids", positions],
        ["cls.predictions.decoder.weight", floats([1], [0])],
      ]),
    );
    const model = tree();
    const ignored = loadWeights(model, { bytes, name: "old.safetensors" }, bertWeights);
    expect([...ignored].sort()).toEqual(["cls.predictions.decoder.weight", "embeddings.position_ids"]);
    expect(valuesOf(model)).toEqual(valuesOf(numbered()));
  });
});
