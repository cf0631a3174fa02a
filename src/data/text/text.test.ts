import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { murmur3 } from "./murmur3.ts";
import { fitTfIdf, type SparseRow, tfIdfFromJson, tfIdfToJson, toDense, vectorise } from "./tf-idf.ts";
import { ngrams, tokenise } from "./tokenise.ts";

describe("tokenise", () => {
  test("lower-cases words of any script and keeps inner apostrophes", () => {
    expect(tokenise("Überweisung NICHT da! Don't panic")).toEqual([
      "überweisung",
      "nicht",
      "da",
      "don't",
      "panic",
    ]);
    expect(tokenise("Мой счёт, naïve café")).toEqual(["мой", "счёт", "naïve", "café"]);
  });

  test("keeps amounts whole and their signs apart", () => {
    expect(tokenise("EUR 1,234,567.89 and €20, 3.5%")).toEqual([
      "eur",
      "1234567.89",
      "and",
      "€",
      "20",
      "3.5",
      "%",
    ]);
    expect(tokenise("1,23 is no group of three; Q3 5g 10.5m")).toEqual([
      "1,23",
      "is",
      "no",
      "group",
      "of",
      "three",
      "q3",
      "5g",
      "10.5m",
    ]);
  });

  test("makes compatibility forms equal", () => {
    expect(tokenise("ＦＥＥ １２ ﬁx")).toEqual(["fee", "12", "fix"]);
    expect(tokenise("cafe\u0301")).toEqual(tokenise("café"));
  });

  test("gives nothing for nothing", () => {
    expect(tokenise(" -- ... \n")).toEqual([]);
    expect(ngrams(["one"], 2, 3)).toEqual([]);
  });
});

test("murmur3 agrees with published values", () => {
  const unsigned = (text: string, seed: number) => (murmur3(text, seed) >>> 0).toString(16);
  expect(unsigned("", 1)).toBe("514e28b7");
  expect(unsigned("test", 0)).toBe("ba6bd213");
  expect(unsigned("Hello, world!", 0)).toBe("c0363e43");
  expect(unsigned("The quick brown fox jumps over the lazy dog", 0x9747b28c)).toBe("2fa826cd");
});

describe("fitTfIdf and vectorise", () => {
  const training = ["card lost", "card stolen", "card card fee"];
  const dense = (row: SparseRow, features: number) => toDense([row], features);
  const featureOf = (term: string) => Math.abs(murmur3(term, 0)) % 4096;
  const signOf = (term: string) => (murmur3(term, 0) >= 0 ? 1 : -1);

  test("weigh terms by 1 + ln(count) and the smoothed idf, at unit length", () => {
    const fitted = fitTfIdf(training, { ngrams: [1, 1] });
    const row = dense(vectorise(fitted, "card card fee"), 4096);
    const card = (1 + Math.log(2)) * 1; // in all three documents: ln(4 / 4) + 1
    const fee = 1 * (Math.log(4 / 2) + 1); // in one of three
    const length = Math.hypot(card, fee);
    expect(row[featureOf("card")]).toBeCloseTo((signOf("card") * card) / length, 6);
    expect(row[featureOf("fee")]).toBeCloseTo((signOf("fee") * fee) / length, 6);
    expect(row.filter((value) => value !== 0)).toHaveLength(2);
  });

  test("count pairs of words beside single ones", () => {
    const { indices } = vectorise(fitTfIdf(training), "card lost");
    expect([...indices].sort()).toEqual(
      [featureOf("card"), featureOf("lost"), featureOf("card lost")].sort(),
    );
    expect([...indices]).toEqual([...indices].sort((a, b) => a - b));
  });

  test("add terms that share a feature with their signs", () => {
    const fitted = fitTfIdf(["a b"], { features: 1, ngrams: [1, 1] });
    const sum = signOf("a") + signOf("b");
    expect(dense(vectorise(fitted, "a b"), 1)[0]).toBe(Math.sign(sum));
  });

  test("give every text with words a vector of length 1, and others zeros", () => {
    const fitted = fitTfIdf(training);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const { values } = vectorise(fitted, text);
        return values.length === 0 || Math.abs(Math.hypot(...values) - 1) < 1e-5;
      }),
    );
    expect(vectorise(fitted, "?!").values).toHaveLength(0);
  });

  test("do not learn from what is only transformed", () => {
    const fitted = fitTfIdf(training);
    const before = JSON.stringify(tfIdfToJson(fitted));
    vectorise(fitted, "a word nobody used in training");
    expect(JSON.stringify(tfIdfToJson(fitted))).toBe(before);
  });

  test("find the nearer of two training texts", () => {
    const fitted = fitTfIdf(training);
    const [query, near, far] = ["my card was stolen", "card stolen", "card lost"].map((text) =>
      dense(vectorise(fitted, text), fitted.features),
    );
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    expect(dot(query, near)).toBeGreaterThan(dot(query, far));
  });

  test("come back from JSON with the same vectors, or are refused by field", () => {
    const fitted = fitTfIdf(training, { features: 64 });
    const json = JSON.parse(JSON.stringify(tfIdfToJson(fitted)));
    expect(vectorise(tfIdfFromJson(json), "card fee")).toEqual(vectorise(fitted, "card fee"));
    expect(() => tfIdfFromJson({ ...json, features: 65 })).toThrow(
      "tfIdf.documentFrequency: expected one number",
    );
    expect(() => tfIdfFromJson({})).toThrow(PlatformError);
  });

  test("refuse options outside their range", () => {
    expect(() => fitTfIdf(training, { features: 0 })).toThrow("features: expected a whole number from 1");
    expect(() => fitTfIdf(training, { ngrams: [2, 1] })).toThrow("ngrams: longest");
    expect(() => fitTfIdf([])).toThrow("at least one document");
  });
});
