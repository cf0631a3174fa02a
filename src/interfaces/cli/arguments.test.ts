import { expect, test } from "vitest";
import { z } from "zod";
import { jsonSchemaOf } from "../schema.ts";
import { overlay, parseArguments, parseRequest } from "./arguments.ts";

const schema = jsonSchemaOf(
  z.object({
    data: z.string().optional(),
    lookback: z.int().default(30),
    floor: z.number().default(0),
    rate: z.union([z.number(), z.literal("auto")]).default("auto"),
    horizon: z.array(z.int()).default([1]),
    symbols: z.union([z.string(), z.array(z.string())]).optional(),
    refit: z.boolean().default(true),
    noise: z.boolean().default(false),
    limit: z.number().nullable().default(null),
    version2: z.enum(["1", "2"]).optional(),
    cleaning: z.object({ maxGap: z.int().default(5), outliers: z.object({ rule: z.string() }) }).optional(),
    weights: z.record(z.string(), z.number()).optional(),
    bounds: z.record(z.string(), z.tuple([z.number(), z.number()])).optional(),
    cost: z
      .discriminatedUnion("kind", [
        z.object({ kind: z.literal("fixed"), feeBps: z.number() }),
        z.object({ kind: z.literal("none") }),
      ])
      .optional(),
  }),
);

const fields = (...words: string[]) => overlay({}, parseArguments(words, schema).fields);

test.each([
  [["--data", "p.csv", "--lookback", "60"], { data: "p.csv", lookback: 60 }],
  [["--lookback=60"], { lookback: 60 }],
  [["--data", "-"], { data: "-" }],
  [["--floor", "-0.5"], { floor: -0.5 }],
  [["--rate", "1e-3"], { rate: 0.001 }],
  [["--rate", "auto"], { rate: "auto" }],
  [["--limit", "null"], { limit: null }],
  [["--version2", "2"], { version2: "2" }],
  [["--horizon", "1,5"], { horizon: [1, 5] }],
  [["--bounds.AAPL", "0.5,0.3"], { bounds: { AAPL: [0.5, 0.3] } }],
  [["--bounds.AAPL", "[0, 1]"], { bounds: { AAPL: [0, 1] } }],
  [["--horizon", "1", "--horizon", "5,20"], { horizon: [1, 5, 20] }],
  [["--horizon", "[1,5]"], { horizon: [1, 5] }],
  [["--horizon", ""], { horizon: [] }],
  [["--symbols", "AAPL"], { symbols: "AAPL" }],
  [["--symbols", "AAPL,MSFT"], { symbols: ["AAPL", "MSFT"] }],
  [["--refit"], { refit: true }],
  [["--no-refit"], { refit: false }],
  [["--refit", "false"], { refit: false }],
  [["--refit=false"], { refit: false }],
  [["--noise"], { noise: true }],
  [["--no-noise"], { noise: false }],
  [["--cleaning.max-gap", "3"], { cleaning: { maxGap: 3 } }],
  [["--cleaning.maxGap", "3"], { cleaning: { maxGap: 3 } }],
  [["--cleaning.outliers.rule", "mad"], { cleaning: { outliers: { rule: "mad" } } }],
  [["--weights.BRK.B", "0.5", "--weights.AAPL", "0.5"], { weights: { "BRK.B": 0.5, AAPL: 0.5 } }],
  [["--cost.kind", "fixed", "--cost.fee-bps", "2"], { cost: { kind: "fixed", feeBps: 2 } }],
  [["--cost", '{"kind":"none"}'], { cost: { kind: "none" } }],
])("reads %j", (words, expected) => {
  expect(fields(...words)).toEqual(expected);
});

test("leaves a text that fits nothing for the schema to complain about", () => {
  expect(fields("--lookback", "soon", "--horizon", "1,x")).toEqual({ lookback: "soon", horizon: [1, "x"] });
  expect(fields("--lookback", "NaN", "--floor", "Infinity")).toEqual({
    lookback: Number.NaN,
    floor: Infinity,
  });
});

test("keeps the flags of every command apart from the fields", () => {
  const { common, fields: given } = parseArguments(
    ["--json", "--data-folder", "d", "--input=r.json"],
    schema,
  );
  expect(common).toEqual({ json: true, dataFolder: "d", input: "r.json" });
  expect(given).toEqual([]);
});

test.each([
  [["--lokback", "3"], "unknown flag --lokback; did you mean --lookback?"],
  [["--cleaning.max-gpa", "3"], "unknown flag --cleaning.max-gpa; did you mean --cleaning.max-gap?"],
  [["--zzzzzzzz"], "unknown flag --zzzzzzzz"],
  [["--__proto__.x", "1"], "unknown flag --__proto__.x"],
  [["--weights.__proto__", "1"], "unknown flag --weights.__proto__"],
  [["--lookback"], "--lookback: expected whole number, received nothing"],
  [["--lookback", "--refit"], "--lookback: expected whole number, received nothing"],
  [["--lookback", "1", "--lookback", "2"], "--lookback: expected once, received more than once"],
  [["--no-refit=true"], '--no-refit: expected no value, received "true"'],
  [["prices.csv"], 'unexpected argument "prices.csv": fields are given as flags, such as --data prices.csv'],
])("refuses %j", (words, message) => {
  expect(() => parseArguments(words, schema)).toThrow(
    expect.objectContaining({ code: "INPUT_INVALID", message }) as Error,
  );
});

test("lays flags over a request without changing it", () => {
  const request = { lookback: 10, cleaning: { maxGap: 1, outliers: { rule: "iqr" } } };
  const words = ["--cleaning.max-gap", "9", "--data", "p.csv"];
  expect(overlay(request, parseArguments(words, schema).fields)).toEqual({
    lookback: 10,
    data: "p.csv",
    cleaning: { maxGap: 9, outliers: { rule: "iqr" } },
  });
  expect(request.cleaning.maxGap).toBe(1);
});

test.each([
  ['{\n  "a": 1,\n  oops\n}', /^--input: r\.json(, line 3)?: expected JSON, received /],
  ["", /^--input: r\.json: expected JSON, received an empty text$/],
  ["[1]", /^--input: r\.json: expected a JSON object, received \[1\]$/],
  ["null", /^--input: r\.json: expected a JSON object, received null$/],
])("names what is wrong with the request %j", (text, message) => {
  expect(() => parseRequest(text, "r.json")).toThrow(message);
});

test("reads a request that begins with a byte order mark", () => {
  expect(parseRequest('\ufeff{"a": 1}', "r.json")).toEqual({ a: 1 });
});
