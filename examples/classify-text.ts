/** Bank intents from short sentences: fastText and a text CNN, beside the share that any one intent has. */
import { foldIn, keyFrom } from "fathom/base";
import { encodeTexts, fitVocabulary, hashNgrams } from "fathom/data";
import {
  adam,
  categoricalCrossEntropy,
  constantRate,
  createRuntime,
  gather,
  input,
  oneHot,
  type Pass,
  parametersOf,
  type Tensor,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "fathom/engine";
import { accuracy, FastText, fit, TextCnn } from "fathom/models";

const intents: Record<string, string[]> = {
  "card lost": [
    "I lost my card",
    "my card is gone, please block it",
    "someone stole my card",
    "block my stolen card now",
    "my wallet with the card was stolen",
    "I cannot find my credit card",
    "please freeze my card, I lost it",
    "card missing since yesterday",
  ],
  balance: [
    "what is my balance",
    "how much money do I have",
    "show me my account balance",
    "how much is left on my account",
    "tell me the balance of my savings",
    "what is the current balance please",
    "is there money left on my account",
    "balance of my savings account please",
  ],
  transfer: [
    "send 50 euro to Anna",
    "transfer money to my landlord",
    "I want to transfer 200 dollars",
    "pay 30 euro to Tom",
    "make a transfer to my savings",
    "send money to my sister",
    "please transfer 1,000 to this account",
    "pay my rent to the landlord",
  ],
  fee: [
    "why was I charged a fee",
    "what are the fees for a transfer abroad",
    "you charged me twice",
    "explain this fee of 5 euro",
    "how high are your fees",
    "I was charged 12 dollars, why",
    "what does the account cost each month",
    "there is a fee that I do not understand",
  ],
};
const names = Object.keys(intents);
const texts = names.flatMap((name) => intents[name]);
const labels = names.flatMap((name, label) => intents[name].map(() => label));
// Every fourth sentence is kept for the test, so that all intents are in both parts.
const rows = Int32Array.from(texts, (_, row) => row);
const [train, test] = [rows.filter((row) => row % 4 !== 3), rows.filter((row) => row % 4 === 3)];
const runtime = createRuntime();

/** Trains on the one part and says how many intents of the other are found. */
async function score(
  model: object,
  columns: Record<"tokens" | "visible", TensorValue>,
  apply: (tokens: Tensor, visible: Tensor, pass?: Pass) => Tensor,
): Promise<number> {
  const data: Record<string, TensorValue> = {
    ...columns,
    label: { dtype: "int64", shape: [texts.length], data: BigInt64Array.from(labels, BigInt) },
  };
  const { parameters } = await fit({
    parameters: parametersOf(model),
    data,
    train,
    validation: train, // so few sentences leave none to stop by, and the test is not for that
    loss: ({ data: { tokens, visible, label }, indices, weights, pass }) => {
      const logits = apply(gather(tokens, indices), gather(visible, indices), pass);
      const target = oneHot(gather(label, indices), names.length);
      return weightedMean(categoricalCrossEntropy(logits, target), weights);
    },
    optimiser: adam(),
    schedule: () => constantRate(0.02),
    batchSize: train.length,
    epochs: 60,
    patience: 60,
    key: foldIn(keyFrom(2), "fit"),
    runtime,
    clock: { now: () => 0, elapsed: () => performance.now() },
  });
  const open = Object.entries(columns).map(([name, { dtype, shape }]) =>
    input(name, ["batch", ...shape.slice(1)], dtype),
  );
  const values = unpackParameters(parametersOf(model), parameters);
  const file = toOnnx(traceGraph({ logits: apply(open[0], open[1]) }), {
    parameterValues: new Map(values.map(({ parameter, values }) => [parameter, values])),
  });
  const session = await runtime.load(file);
  const { outputs } = await session.run({ feeds: columns, fetch: ["logits"] });
  const logits = outputs.logits.data as Float32Array;
  const found = Array.from(test, (row) => {
    const own = [...logits.slice(row * names.length, (row + 1) * names.length)];
    return own.indexOf(Math.max(...own));
  });
  return accuracy(
    Array.from(test, (row) => labels[row]),
    found,
  );
}

const columnsOf = ({ tokens, visible, length }: ReturnType<typeof encodeTexts>) => ({
  tokens: { dtype: "int64" as const, shape: [texts.length, length], data: tokens },
  visible: { dtype: "float32" as const, shape: [texts.length, length], data: visible },
});
const buckets = 2000;
const fastText = new FastText({ buckets, classes: names.length }, keyFrom(3));
const hashed = hashNgrams(texts, { buckets, length: 20 });

// The vocabulary is learnt from the training sentences only.
const vocabulary = fitVocabulary(Array.from(train, (row) => texts[row]));
const size = { vocabularySize: vocabulary.tokens.length, embeddingSize: 16, filters: 16 };
const textCnn = new TextCnn({ ...size, widths: [1, 2, 3], classes: names.length }, keyFrom(4));

const scores = {
  fastText: await score(fastText, columnsOf(hashed), (tokens, visible) =>
    fastText.apply(tokens, { visible }),
  ),
  "text CNN": await score(textCnn, columnsOf(encodeTexts(vocabulary, texts, 12)), (tokens, visible, pass) =>
    textCnn.apply(tokens, { visible }, pass),
  ),
};
await runtime.close();
const baseline = 1 / names.length; // as many sentences of each
console.log(`accuracy on ${test.length} new sentences; always the same intent: ${baseline.toFixed(2)}`);
for (const [name, value] of Object.entries(scores)) {
  console.log(`${name}: ${value.toFixed(2)}`);
  if (!(value > baseline + 0.2)) throw new Error(`${name} did not learn the intents`);
}
