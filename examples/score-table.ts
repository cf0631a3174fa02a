/** Credit scores from a table of numbers and categories: an MLP with embeddings and an FT-Transformer, beside a logistic regression. */
import { foldIn, keyFrom, normal, uniform } from "fathom/base";
import { applyScaler, fitCategories, fitScaler, toOrdinal } from "fathom/data";
import {
  adamW,
  binaryCrossEntropy,
  constantRate,
  createRuntime,
  gather,
  input,
  type Pass,
  parametersOf,
  type Tensor,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "fathom/engine";
import { areaUnderRoc, FtTransformer, fit, type Row, TabMlp } from "fathom/models";

// Loans: income and debt in thousands, years in the job, sector and purpose. Debt hurts where income is low, and what a
// purpose means depends on the sector, which no sum of columns can say.
const rows = 2400;
const draw = (name: string) => foldIn(keyFrom(1), name);
const income = normal(draw("income"), rows).map((z) => 40 * Math.exp(0.5 * z));
const debt = normal(draw("debt"), rows).map((z) => 10 * Math.exp(0.8 * z));
const years = uniform(draw("years"), rows, 0, 20);
const choose = (name: string, from: readonly string[]) =>
  Array.from(uniform(draw(name), rows), (u) => from[Math.floor(u * from.length)]);
const sector = choose("sector", ["farming", "retail", "software", "public"]);
const purpose = choose("purpose", ["house", "car", "business"]);
const chance = uniform(draw("default"), rows);
const defaulted = Array.from(chance, (u, i) => {
  const risky = (purpose[i] === "business") !== (sector[i] === "software");
  const score = -2 + 4 * Math.max(0, debt[i] / income[i] - 0.2) + (risky ? 2 : -1) - 0.05 * years[i];
  return u < 1 / (1 + Math.exp(-score)) ? 1 : 0;
});

const part = (from: number, end: number) => Int32Array.from({ length: end - from }, (_, i) => from + i);
const [train, validation, test] = [part(0, 1600), part(1600, 2000), part(2000, rows)];

// Scaling and categories are learnt from the training rows only.
const fitRows = Array.from(train);
const raw = Float32Array.from(
  { length: 3 * rows },
  (_, i) => [income, debt, years][i % 3][Math.floor(i / 3)],
);
const numbers = applyScaler(fitScaler("standard", raw, rows, 3, { fitRows }), raw);
const categories = fitCategories({ sector, purpose }, { fitRows });
const data: Record<string, TensorValue> = {
  numbers: { dtype: "float32", shape: [rows, 3], data: numbers },
  codes: {
    dtype: "int64",
    shape: [rows, 2],
    data: BigInt64Array.from(toOrdinal(categories, { sector, purpose }), BigInt),
  },
  target: { dtype: "float32", shape: [rows, 1], data: Float32Array.from(defaulted) },
};
const sizes = {
  numbers: 3,
  categories: categories.columns.map((column) => column.categories.length),
  outputs: 1,
};
const runtime = createRuntime();

/** Trains a network and answers the area under the ROC curve over the test rows. */
async function score(model: { apply(row: Row, pass?: Pass): Tensor }, epochs: number): Promise<number> {
  const { parameters } = await fit({
    parameters: parametersOf(model),
    data,
    train,
    validation,
    loss: ({ data: { numbers, codes, target }, indices, weights, pass }) => {
      const row = { numbers: gather(numbers, indices), codes: gather(codes, indices) };
      return weightedMean(binaryCrossEntropy(model.apply(row, pass), gather(target, indices)), weights);
    },
    optimiser: adamW(),
    schedule: () => constantRate(0.005),
    batchSize: 128,
    epochs,
    patience: 8,
    key: keyFrom(2),
    runtime,
    clock: { now: () => 0, elapsed: () => performance.now() },
  });
  const row = { numbers: input("numbers", ["batch", 3]), codes: input("codes", ["batch", 2], "int64") };
  const values = unpackParameters(parametersOf(model), parameters);
  const file = toOnnx(traceGraph({ logit: model.apply(row) }), {
    parameterValues: new Map(values.map(({ parameter, values }) => [parameter, values])),
  });
  const session = await runtime.load(file);
  const { outputs } = await session.run({
    feeds: { numbers: data["numbers"], codes: data["codes"] },
    fetch: ["logit"],
  });
  const logits = outputs.logit.data as Float32Array;
  return areaUnderRoc(
    Array.from(test, (place) => defaulted[place]),
    Array.from(test, (place) => logits[place]),
  );
}

// Without hidden layers, embeddings and numbers are added up: a logistic regression.
const baseline = await score(new TabMlp({ ...sizes, hiddenSizes: [] }, keyFrom(3)), 40);
const small = { hiddenSize: 16, numLayers: 2, numHeads: 2, attentionDropout: 0, feedForwardDropout: 0 };
const scores = {
  "MLP with embeddings": await score(new TabMlp({ ...sizes, hiddenSizes: [32, 32] }, keyFrom(4)), 40),
  "FT-Transformer": await score(new FtTransformer({ ...sizes, ...small }, keyFrom(5)), 12),
};
await runtime.close();
console.log(
  `area under the ROC curve on ${test.length} new loans; logistic regression: ${baseline.toFixed(3)}`,
);
for (const [name, value] of Object.entries(scores)) {
  console.log(`${name}: ${value.toFixed(3)}`);
  if (!(value > baseline + 0.05))
    throw new Error(`${name} did not learn what sector and purpose mean together`);
}
