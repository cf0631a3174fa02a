import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foldIn, keyFrom, splitKey, uniform } from "../../base/index.ts";
import { createRuntime, evaluate, input, parametersOf } from "../../engine/index.ts";
import { gptStepModel, loadTextGenerator, pickToken, type TextGenerator } from "./generate.ts";
import { Gpt, type GptOptions } from "./gpt.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const sizes = { vocabularySize: 17, maxLength: 12, hiddenSize: 16, numLayers: 3, numHeads: 4 };

describe.each(["learned", "rotary"] as const)("a GPT with %s positions", (positions) => {
  const gpt = new Gpt({ ...sizes, positions } satisfies GptOptions, keyFrom(1));
  // Initial weights of 0.02 make all tokens nearly alike; ten times as large they differ, as trained ones do.
  for (const { name, parameter } of parametersOf(gpt))
    if (name.endsWith("weight")) for (let i = 0; i < parameter.value.length; i++) parameter.value[i] *= 10;
  const text = [3, 16, 0, 5, 5, 9, 1, 12, 7, 2, 11, 8];
  let generator: TextGenerator;
  beforeAll(async () => {
    generator = await loadTextGenerator(runtime, gptStepModel(gpt), sizes);
  });

  /** Logits at every position, computed all at once. */
  const whole = async (tokens: readonly number[]): Promise<number[][]> => {
    const data = BigInt64Array.from(tokens, BigInt);
    const feeds = { tokens: { dtype: "int64" as const, shape: [1, tokens.length], data } };
    const [logits] = await evaluate(
      [gpt.apply(input("tokens", ["batch", tokens.length], "int64"))],
      feeds,
      runtime,
    );
    const size = sizes.vocabularySize;
    return tokens.map((_, t) => [...(logits.data as Float32Array)].slice(t * size, (t + 1) * size));
  };

  test("gives the same logits with the cache as without it", async () => {
    const [cached, plain] = [await generator.logits(text), await whole(text)];
    expect(cached).toHaveLength(text.length);
    plain.forEach((row, t) => {
      const largest = Math.max(...row.map((value, i) => Math.abs(value - cached[t][i])));
      expect(largest, `position ${t}`).toBeLessThan(1e-4);
      expect(Math.max(...row) - Math.min(...row)).toBeGreaterThan(0.1);
    });
  });

  test("writes greedily what the whole text computed anew in every step would", async () => {
    const prompt = [3, 1];
    const tokens = [...prompt];
    while (tokens.length < 10) {
      const row = (await whole(tokens))[tokens.length - 1];
      tokens.push(row.indexOf(Math.max(...row)));
    }
    const greedy = { maxTokens: 8, temperature: 0, key: keyFrom(1) };
    expect(await generator.generate(prompt, greedy)).toEqual({
      tokens: tokens.slice(2),
      stopped: "maxTokens",
    });
  });

  test("draws the same text for the same key, and another for another", async () => {
    const write = (seed: number) =>
      generator.generate([3], { maxTokens: 10, temperature: 2, key: keyFrom(seed) });
    const [one, again, other] = [await write(1), await write(1), await write(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test("ends at a stop token, which it does not answer, or where the model ends", async () => {
    const greedy = { temperature: 0, key: keyFrom(1) };
    const { tokens } = await generator.generate([3, 1], { ...greedy, maxTokens: 8 });
    const stopToken = tokens[3];
    const seen: number[] = [];
    const stopped = await generator.generate([3, 1], {
      ...greedy,
      maxTokens: 8,
      stopToken,
      onToken: (token) => seen.push(token),
    });
    expect(stopped).toEqual({ tokens: tokens.slice(0, tokens.indexOf(stopToken)), stopped: "stopToken" });
    expect(seen).toEqual(stopped.tokens);
    const full = await generator.generate([3, 1], { ...greedy, maxTokens: 100 });
    expect(full.stopped).toBe("length");
    expect(full.tokens).toHaveLength(sizes.maxLength - 2 + 1); // the last one is written and not read any more
  });

  test("names the longest text when one is longer", () => {
    expect(() => gpt.apply(input("tokens", ["batch", 13], "int64"))).toThrow(
      "gpt: expected tokens int64[batch, at most 12], received int64[batch, 13]",
    );
  });

  test("refuses what the model does not know", async () => {
    const options = { maxTokens: 2, key: keyFrom(1) };
    await expect(generator.generate([], options)).rejects.toThrow("expected a prompt of at least one token");
    await expect(generator.generate([17], options)).rejects.toThrow(
      "expected tokens in [0, 17), received 17",
    );
    await expect(generator.generate(new Array(13).fill(1), options)).rejects.toThrow("at most 12 tokens");
    await expect(generator.generate([1], { ...options, maxTokens: -1 })).rejects.toThrow(
      "maxTokens of 0 or more",
    );
  });
});

describe("a token drawn from logits", () => {
  const logits = [1, 3, 2, -1].map((value) => Math.log(2) * value); // shares 2, 8, 4, ½ of 14½
  const counts = (options: Parameters<typeof pickToken>[1], draws = 4000) => {
    const found = [0, 0, 0, 0];
    for (const key of splitKey(keyFrom(1), draws)) found[pickToken(logits, options, key)] += 1 / draws;
    return found;
  };
  /** Three deviations of a share of 4000 draws are below 0.024. */
  const close = (found: number[], expected: number[]) =>
    found.forEach((share, token) => {
      expect(Math.abs(share - expected[token])).toBeLessThan(0.024);
    });

  test("follows the softmax, sharper or flatter by the temperature", () => {
    close(counts({}), [2 / 14.5, 8 / 14.5, 4 / 14.5, 0.5 / 14.5]);
    const squares = 4 + 64 + 16 + 0.25; // temperature ½ squares every share
    close(counts({ temperature: 0.5 }), [4 / squares, 64 / squares, 16 / squares, 0.25 / squares]);
    expect(counts({ temperature: 0 }, 10)[1]).toBeCloseTo(1, 12);
  });

  test("is one of the k likeliest, or of those that reach the probability p", () => {
    close(counts({ topK: 2 }), [0, 8 / 12, 4 / 12, 0]);
    // The likeliest has 0.55; with the second 0.83, with the third 0.97.
    close(counts({ topP: 0.5 }), [0, 1, 0, 0]);
    close(counts({ topP: 0.6 }), [0, 8 / 12, 4 / 12, 0]);
    close(counts({ topP: 0.9 }), [2 / 14, 8 / 14, 4 / 14, 0]);
    close(counts({ topK: 1, temperature: 5 }), [0, 1, 0, 0]);
  });

  test("is found as well where logits are far apart", () => {
    const far = Float64Array.from(uniform(foldIn(keyFrom(1), "far"), 8), (u) => 2000 * u);
    expect(pickToken(far, {}, keyFrom(1))).toBe(far.indexOf(Math.max(...far)));
  });

  test.each([
    [{ temperature: -1 }, "expected a temperature of 0 or more, received -1"],
    [{ topK: 0 }, "expected topK of 1 or more, received 0"],
    [{ topP: 0 }, "expected topP in (0, 1], received 0"],
  ])("is refused with %o", (options, message) => {
    expect(() => pickToken(logits, options, keyFrom(1))).toThrow(message);
  });
});
