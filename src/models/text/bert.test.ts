import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  adam,
  constantRate,
  createRuntime,
  evaluate,
  gather,
  input,
  parametersOf,
  type Tensor,
  type TensorValue,
} from "../../engine/index.ts";
import { fit } from "../fit.ts";
import { Bert } from "./bert.ts";
import { maskedLanguageLoss, maskTokens } from "./masked-language.ts";
import reference from "./testing/bert-reference.json" with { type: "json" };

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const whole = (values: readonly number[], shape: readonly number[]): TensorValue => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const floats = (values: readonly number[], shape: readonly number[]): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

describe("Bert", () => {
  const weights: Record<string, number[]> = reference.weights;
  const bert = new Bert(reference.options, keyFrom(1));
  for (const { name, parameter } of parametersOf(bert)) parameter.value.set(weights[name]);

  test("has the tree of parameters that checkpoints are mapped to", () => {
    expect(
      parametersOf(bert)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(weights).sort());
  });

  test("computes what torch computes from the same weights", async () => {
    const [tokens, segments] = ["tokens", "segments"].map((name) => input(name, ["batch", 6], "int64"));
    const hidden = bert.apply(tokens, { segments, visible: input("visible", ["batch", 6]) });
    const results = await evaluate(
      [hidden, bert.pool(hidden), bert.predictTokens(hidden)],
      {
        tokens: whole(reference.tokens, reference.shape),
        segments: whole(reference.segments, reference.shape),
        visible: floats(reference.visible, reference.shape),
      },
      runtime,
    );
    const expected = [reference.hidden, reference.pooled, reference.logits];
    results.forEach(({ data }, i) => {
      expect(data.length).toBe(expected[i].length);
      const largest = Math.max(...expected[i].map((value, place) => Math.abs(value - Number(data[place]))));
      expect(largest).toBeLessThan(1e-5);
    });
  });

  test("does not look at padding", async () => {
    const hidden = bert.apply(input("tokens", ["batch", 6], "int64"), {
      visible: input("visible", ["batch", 6]),
    });
    const run = async (last: number) => {
      const feeds = {
        tokens: whole([4, 5, 6, 7, last, last], [1, 6]),
        visible: floats([1, 1, 1, 1, 0, 0], [1, 6]),
      };
      const [{ data }] = await evaluate([hidden], feeds, runtime);
      return [...(data as Float32Array)].slice(0, 4 * 8);
    };
    expect(await run(9)).toEqual(await run(2));
  });

  test("names the longest text when one is longer", () => {
    expect(() => bert.apply(input("tokens", ["batch", 8], "int64"))).toThrow(
      "bert: expected tokens int64[batch, at most 7], received int64[batch, 8]",
    );
  });

  test.each([
    [{ hiddenSize: 7, numHeads: 2 }, "expected a number of heads that divides 7 features, received 2"],
    [{ numLayers: 0 }, "bert: expected numLayers of 1 or more, received 0"],
  ])("refuses %o", (wrong, message) => {
    expect(() => new Bert({ ...reference.options, ...wrong }, keyFrom(1))).toThrow(message);
  });
});

describe("masked tokens", () => {
  const [batch, time, vocabularySize, maskToken, firstWord] = [200, 50, 105, 4, 5];
  const original = Array.from({ length: batch * time }, (_, i) => (i % 10 === 0 ? 2 : 5 + (i % 100)));
  const visible = original.map((_, i) => (i % 10 === 9 ? 0 : 1));
  const shape = [batch, time] as const;
  const masked = (seed: Tensor | null, rate = 0.15) =>
    maskTokens(
      input("tokens", shape, "int64"),
      input("visible", shape),
      { maskToken, firstWord, vocabularySize, rate },
      seed ? { mode: "training", seed } : { mode: "inference", seed: null },
    );
  const draw = async (seed: number | null) => {
    const { tokens, chosen } = masked(seed === null ? null : input("seed", [], "uint32"));
    const feeds = {
      tokens: whole(original, shape),
      visible: floats(visible, shape),
      ...(seed === null ? {} : { seed: { dtype: "uint32" as const, shape: [], data: Uint32Array.of(seed) } }),
    };
    const [changed, picked] = await evaluate([tokens, chosen], feeds, runtime);
    return {
      tokens: [...(changed.data as BigInt64Array)].map(Number),
      chosen: [...(picked.data as Float32Array)],
    };
  };

  test.each([7, null])(
    "are 15 of 100 words, of which 80 are masked, 10 random and 10 kept (seed %s)",
    async (seed) => {
      const { tokens, chosen } = await draw(seed);
      const words = original.filter((token, i) => token >= firstWord && visible[i] === 1).length;
      const places = chosen.flatMap((value, i) => (value === 1 ? [i] : []));
      const share = (count: number, of: number) => count / of;
      // Three deviations of a share p of n draws are 3 √(p (1-p) / n): 0.012 of 8000 words, 0.035 of 1200 chosen ones.
      expect(Math.abs(share(places.length, words) - 0.15)).toBeLessThan(0.012);
      const fates = { masked: 0, random: 0, kept: 0 };
      for (const i of places)
        fates[tokens[i] === maskToken ? "masked" : tokens[i] === original[i] ? "kept" : "random"]++;
      expect(Math.abs(share(fates.masked, places.length) - 0.8)).toBeLessThan(0.035);
      expect(Math.abs(share(fates.random, places.length) - 0.1)).toBeLessThan(0.03);
      expect(Math.abs(share(fates.kept, places.length) - 0.1)).toBeLessThan(0.03);
      // Nothing else changes, and padding and special tokens are never chosen.
      tokens.forEach((token, i) => {
        if (chosen[i] === 0) expect(token).toBe(original[i]);
        if (original[i] < firstWord || visible[i] === 0) expect(chosen[i]).toBe(0);
        expect(token).toBeLessThan(vocabularySize);
      });
    },
  );

  test("are other words in every step, and the same in a step that is repeated", async () => {
    const [one, again, other] = [await draw(1), await draw(1), await draw(2)];
    expect(again).toEqual(one);
    expect(other.chosen).not.toEqual(one.chosen);
    expect(await draw(null)).toEqual(await draw(null));
  });

  test("are learnt from by fit, with a validation loss that a second look repeats", async () => {
    const bert = new Bert({ ...reference.options, vocabularySize: 25, dropout: 0 }, keyFrom(1));
    // Text n says n + 5 six times, so that what is hidden is told by the rest.
    const rows = Array.from({ length: 240 }, (_, i) => 5 + (Math.floor(i / 6) % 20));
    const part = (from: number) => Int32Array.from({ length: 20 }, (_, i) => from + i);
    const run = () =>
      fit({
        parameters: parametersOf(bert),
        data: { tokens: whole(rows, [40, 6]), visible: floats(new Array(240).fill(1), [40, 6]) },
        train: part(0),
        validation: part(20),
        loss: ({ data: { tokens, visible }, indices, weights, pass }) => {
          const batch = { tokens: gather(tokens, indices), visible: gather(visible, indices) };
          return maskedLanguageLoss(bert, batch, weights, { maskToken, firstWord }, pass);
        },
        optimiser: adam(),
        schedule: () => constantRate(0.01),
        batchSize: 20,
        epochs: 120,
        patience: 120,
        key: keyFrom(2),
        runtime,
        clock: { now: () => 0, elapsed: () => 0 },
      });
    const [one, again] = [await run(), await run()];
    const losses = one.history.map(({ validationLoss }) => validationLoss);
    expect(losses[0]).toBeGreaterThan(0.8 * Math.log(25)); // a guess among all tokens
    expect(Math.min(...losses)).toBeLessThan(0.7 * losses[0]);
    expect(again.history).toEqual(one.history);
  });

  test("need a rate between none and all, and a batch that is a number", () => {
    expect(() => masked(null, 1)).toThrow("maskTokens: expected a rate in (0, 1), received 1");
    const open = input("tokens", ["batch", 4], "int64");
    expect(() =>
      maskTokens(open, input("v", ["batch", 4]), { maskToken, firstWord, vocabularySize }),
    ).toThrow("expected tokens of a fixed shape, received [batch, 4]");
  });
});
