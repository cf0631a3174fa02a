/** Text from a GPT, one token at a time. Keys and values of what was read stay in the runtime, so that a step costs one token. */
import { foldIn, type Key, PlatformError, throwIfAborted, uniform } from "../../base/index.ts";
import {
  inferenceOpset,
  input,
  type ModelOptions,
  type Runtime,
  type TensorValue,
  toOnnx,
  traceGraph,
} from "../../engine/index.ts";
import type { Gpt, GptOptions } from "./gpt.ts";

export interface SamplingOptions {
  /** Logits are divided by it: below 1 bolder, above 1 more varied; 0 always takes the likeliest token. 1 by default. */
  readonly temperature?: number;
  /** Only the k likeliest tokens are drawn from (Fan et al. 2018). */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability are drawn from (Holtzman et al. 2020). */
  readonly topP?: number;
}

export interface GenerateOptions extends SamplingOptions {
  readonly maxTokens: number;
  /** A token that ends the text; it is not part of the answer. */
  readonly stopToken?: number;
  /** All draws follow from it. */
  readonly key: Key;
  readonly onToken?: (token: number) => void;
  readonly signal?: AbortSignal;
}

export interface Generated {
  readonly tokens: readonly number[];
  /** `length` when the model's longest text was reached. */
  readonly stopped: "stopToken" | "maxTokens" | "length";
}

export interface TextGenerator {
  generate(prompt: readonly number[], options: GenerateOptions): Promise<Generated>;
  /** Logits after each token of a text, `[time][vocabulary]`, with the cache at work. */
  logits(tokens: readonly number[]): Promise<Float32Array[]>;
  release(): Promise<void>;
}

/** What a generator has to know of its model beside the graph. */
export type GeneratorSizes = Pick<
  GptOptions,
  "vocabularySize" | "maxLength" | "hiddenSize" | "numLayers" | "numHeads"
>;

const cacheNames = (layer: number) =>
  (["key", "value"] as const).map((part) => ({
    past: `past_key_values.${layer}.${part}`,
    present: `present.${layer}.${part}`,
  }));

/**
 * One step of a GPT as an ONNX model. Inputs: `token` and `position`, int64 `[1]`, and `past_key_values.N.key` and `.value`,
 * `[heads, past, size]`, whose past is open and may be 0. Outputs: `logits` `[1, vocabulary]`, and `present.N.key` and `.value`, which
 * are the next step's past.
 */
export function gptStepModel(gpt: Gpt, options: ModelOptions = {}): Uint8Array {
  const { hiddenSize, numHeads } = gpt.options;
  const past = gpt.layers.map((_, layer) => {
    const [key, value] = cacheNames(layer).map((names) =>
      input(names.past, [numHeads, "batch", hiddenSize / numHeads]),
    );
    return { key, value };
  });
  const { logits, present } = gpt.step(input("token", [1], "int64"), input("position", [1], "int64"), past);
  const caches = present.flatMap(({ key, value }, layer) => {
    const [keyNames, valueNames] = cacheNames(layer);
    return [
      [keyNames.present, key],
      [valueNames.present, value],
    ] as const;
  });
  return toOnnx(traceGraph({ logits, ...Object.fromEntries(caches) }), { opset: inferenceOpset, ...options });
}

/** Loads a step model. Several texts can be made one after the other; each begins with an empty cache. */
export async function loadTextGenerator(
  runtime: Runtime,
  model: Uint8Array,
  { vocabularySize, maxLength, hiddenSize, numLayers, numHeads }: GeneratorSizes,
): Promise<TextGenerator> {
  const session = await runtime.load(model, { threads: 1 });
  const names = Array.from({ length: numLayers }, (_, layer) => cacheNames(layer)).flat();

  /** A text that grows: each call reads one token and answers the logits of the next one. */
  const begin = () => {
    const empty: TensorValue = {
      dtype: "float32",
      shape: [numHeads, 0, hiddenSize / numHeads],
      data: new Float32Array(),
    };
    const slots = names.map(({ present }) => runtime.slot(present));
    let length = 0;
    return {
      get length() {
        return length;
      },
      async read(token: number): Promise<Float32Array> {
        if (!(Number.isSafeInteger(token) && token >= 0 && token < vocabularySize))
          throw invalid(`tokens in [0, ${vocabularySize})`, token);
        if (length === maxLength) throw invalid(`at most ${maxLength} tokens`, length + 1);
        const whole = (value: number): TensorValue => ({
          dtype: "int64",
          shape: [1],
          data: BigInt64Array.of(BigInt(value)),
        });
        const cached = names.map(({ past }, i) => [past, length === 0 ? empty : slots[i]] as const);
        const { outputs } = await session.run({
          feeds: { token: whole(token), position: whole(length), ...Object.fromEntries(cached) },
          keep: Object.fromEntries(names.map(({ present }, i) => [present, slots[i]])),
          fetch: ["logits"],
        });
        length++;
        return outputs.logits.data as Float32Array;
      },
      end: () => runtime.drop(...slots),
    };
  };

  return {
    async generate(prompt, { maxTokens, stopToken, key, onToken, signal, ...sampling }) {
      if (prompt.length === 0) throw invalid("a prompt of at least one token", "none");
      if (!(Number.isSafeInteger(maxTokens) && maxTokens >= 0))
        throw invalid("maxTokens of 0 or more", maxTokens);
      const text = begin();
      const tokens: number[] = [];
      try {
        let logits = new Float32Array();
        for (const token of prompt) logits = Float32Array.from(await text.read(token));
        while (tokens.length < maxTokens) {
          throwIfAborted(signal, "generation");
          const token = pickToken(logits, sampling, foldIn(key, tokens.length));
          if (token === stopToken) return { tokens, stopped: "stopToken" };
          tokens.push(token);
          onToken?.(token);
          if (text.length === maxLength) return { tokens, stopped: "length" };
          if (tokens.length < maxTokens) logits = Float32Array.from(await text.read(token));
        }
        return { tokens, stopped: "maxTokens" };
      } finally {
        await text.end();
      }
    },
    async logits(tokens) {
      const text = begin();
      try {
        const rows: Float32Array[] = [];
        for (const token of tokens) rows.push(await text.read(token));
        return rows;
      } finally {
        await text.end();
      }
    },
    release: () => session.release(),
  };
}

/**
 * Draws a token from its logits. The same key draws the same token.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when the temperature is below 0, `topK` no whole number of 1 or more, or `topP` outside
 *   (0, 1]
 * @example
 * pickToken(Float32Array.of(0, 3, 1), { temperature: 0 }, { high: 0, low: 1 }); // => 1
 */
export function pickToken(logits: ArrayLike<number>, options: SamplingOptions, key: Key): number {
  const { temperature = 1, topK = logits.length, topP = 1 } = options;
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw invalid("a temperature of 0 or more", temperature);
  if (!(Number.isSafeInteger(topK) && topK >= 1)) throw invalid("topK of 1 or more", topK);
  if (!(topP > 0 && topP <= 1)) throw invalid("topP in (0, 1]", topP);
  // Likeliest first; of equal ones the smaller token, so that nothing depends on the sorting.
  const order = Array.from(logits, (_, token) => token).sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return order[0];
  const kept = order.slice(0, topK);
  const shares = kept.map((token) => Math.exp((logits[token] - logits[order[0]]) / temperature));
  const total = shares.reduce((a, b) => a + b, 0);
  let mass = 0;
  let count = 0;
  while (count < kept.length && mass < topP * total) mass += shares[count++];
  let left = uniform(key, 1)[0] * mass;
  for (let i = 0; i < count; i++) {
    left -= shares[i];
    if (left < 0) return kept[i];
  }
  return kept[count - 1];
}

function invalid(expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `generation: expected ${expected}, received ${received}`,
  );
}
