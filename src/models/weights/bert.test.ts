/** A checkpoint laid out as Hugging Face publishes it loads into our BERT, and gives the numbers of torch. */
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import { createRuntime, evaluate, input, parametersOf } from "../../engine/index.ts";
import { encode, type StoredTensor } from "../safetensors.ts";
import { Bert } from "../text/bert.ts";
import reference from "../text/testing/bert-reference.json" with { type: "json" };
import { bertWeights } from "./bert.ts";
import { loadWeights } from "./weights.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Our names as a published file spells them, written down here a second time. */
function published(name: string, old: boolean): string {
  const norm = old ? { scale: "gamma", shift: "beta" } : { scale: "weight", shift: "bias" };
  const [, head, leaf] = /^(.*)\.(\w+)$/.exec(name) ?? [];
  const array = leaf === "scale" || leaf === "shift" ? norm[leaf] : leaf;
  const layer = /^layers\.(\d+)\.(.*)$/.exec(head);
  const inLayer: Readonly<Record<string, string>> = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    attentionNorm: "attention.output.LayerNorm",
    "feedForward.up": "intermediate.dense",
    "feedForward.down": "output.dense",
    feedForwardNorm: "output.LayerNorm",
  };
  const outside: Readonly<Record<string, string>> = {
    "embeddings.token": "bert.embeddings.word_embeddings",
    "embeddings.position": "bert.embeddings.position_embeddings",
    "embeddings.segment": "bert.embeddings.token_type_embeddings",
    "embeddings.norm": "bert.embeddings.LayerNorm",
    pooler: "bert.pooler.dense",
    "maskedLanguage.transform": "cls.predictions.transform.dense",
    "maskedLanguage.norm": "cls.predictions.transform.LayerNorm",
    maskedLanguage: "cls.predictions",
  };
  return layer ? `bert.encoder.layer.${layer[1]}.${inLayer[layer[2]]}.${array}` : `${outside[head]}.${array}`;
}

describe.each([false, true])("a published BERT (norms as TensorFlow names them: %s)", (old) => {
  const weights: Record<string, number[]> = reference.weights;
  const shapes = new Map(
    parametersOf(new Bert(reference.options, keyFrom(1))).map(({ name, parameter }) => [
      name,
      parameter.shape,
    ]),
  );
  const tensors = new Map<string, StoredTensor>(
    Object.entries(weights).map(([name, values]) => [
      published(name, old),
      { type: "F32", shape: shapes.get(name) as number[], data: Float32Array.from(values) },
    ]),
  );
  tensors.set("cls.predictions.decoder.weight", {
    type: "F32",
    shape: shapes.get("embeddings.token.weight") as number[],
    data: Float32Array.from(weights["embeddings.token.weight"]),
  });
  const file = { bytes: encode(tensors, new Map()), name: "model.safetensors" };

  test("computes what torch computes", async () => {
    const bert = new Bert(reference.options, keyFrom(2));
    expect(loadWeights(bert, file, bertWeights)).toEqual(["cls.predictions.decoder.weight"]);
    const [tokens, segments] = ["tokens", "segments"].map((name) => input(name, [3, 6], "int64"));
    const hidden = bert.apply(tokens, { segments, visible: input("visible", [3, 6]) });
    const whole = (values: readonly number[]) => ({
      dtype: "int64" as const,
      shape: reference.shape,
      data: BigInt64Array.from(values, BigInt),
    });
    const visible = {
      dtype: "float32" as const,
      shape: reference.shape,
      data: Float32Array.from(reference.visible),
    };
    const feeds = { tokens: whole(reference.tokens), segments: whole(reference.segments), visible };
    const found = await evaluate([hidden, bert.pool(hidden), bert.predictTokens(hidden)], feeds, runtime);
    [reference.hidden, reference.pooled, reference.logits].forEach((expected, i) => {
      expected.forEach((value, k) => {
        expect(Math.abs(Number(found[i].data[k]) - value), `output ${i}, element ${k}`).toBeLessThan(1e-5);
      });
    });
  });

  test("is refused whole when a layer is missing, which is named", () => {
    const bert = new Bert({ ...reference.options, numLayers: 3 }, keyFrom(2));
    const before = parametersOf(bert).map(({ parameter }) => parameter.value.slice());
    expect(() => loadWeights(bert, file, bertWeights)).toThrow(/layers\.2\.attention\.query\.weight/);
    expect(parametersOf(bert).map(({ parameter }) => parameter.value)).toEqual(before);
  });
});
