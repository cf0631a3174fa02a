import { describe, expect, test } from "vitest";
import { hashNgrams } from "./hashed-ngrams.ts";
import { murmur3 } from "./murmur3.ts";
import { encodeTexts, fitVocabulary, specialTokens, vocabularyFromJson } from "./vocabulary.ts";

const texts = ["Lost my card", "card card stolen", "new card, my fee"];

describe("a vocabulary", () => {
  test("counts texts, not words, and breaks ties by the word", () => {
    expect(fitVocabulary(texts).tokens).toEqual([
      ...specialTokens,
      ...["card", "my", "fee", "lost", "new", "stolen"],
    ]);
    expect(fitVocabulary([...texts].reverse())).toEqual(fitVocabulary(texts));
    expect(fitVocabulary(texts, { minTexts: 2 }).tokens.slice(5)).toEqual(["card", "my"]);
    expect(fitVocabulary(texts, { maxWords: 1 }).tokens.slice(5)).toEqual(["card"]);
  });

  test("makes rows of one length: a sign at either end, unknown words marked, the rest cut or filled", () => {
    const { tokens, visible, length } = encodeTexts(fitVocabulary(texts), ["my bank", "my card fee new"], 5);
    expect(length).toBe(5);
    expect([...tokens].map(Number)).toEqual([2, 6, 1, 3, 0, 2, 6, 5, 7, 3]);
    expect([...visible]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1, 1]);
  });

  test("is kept by JSON, and a changed one is refused", () => {
    const vocabulary = fitVocabulary(texts);
    expect(vocabularyFromJson(JSON.parse(JSON.stringify(vocabulary)))).toEqual(vocabulary);
    for (const tokens of [["card"], [...specialTokens, "a", "a"], 1])
      expect(() => vocabularyFromJson({ tokens })).toThrow(
        expect.objectContaining({ code: "DATA_STATE_INVALID" }),
      );
  });

  test("needs texts, and room for a word between the signs", () => {
    expect(() => fitVocabulary([])).toThrow("expected at least one text, received none");
    expect(() => encodeTexts(fitVocabulary(texts), texts, 2)).toThrow(
      "length: expected a whole number of 3 or more, received 2",
    );
  });
});

describe("hashed n-grams", () => {
  test("are words and pairs, each where its hash says", () => {
    const { tokens, visible } = hashNgrams(["lost card"], { buckets: 1000, length: 4 });
    const place = (gram: string) => (murmur3(gram, 0) >>> 0) % 1000;
    expect([...tokens].map(Number)).toEqual([place("lost"), place("card"), place("lost card"), 0]);
    expect([...visible]).toEqual([1, 1, 1, 0]);
  });

  test("refuse no bucket", () => {
    expect(() => hashNgrams(["a"], { buckets: 0, length: 4 })).toThrow("buckets: expected a whole number");
  });
});
