/** Pre-training without labels: some tokens are hidden, and the model says which they were (Devlin et al. 2019, section 3.1). */
import { foldIn, keyFrom, PlatformError, uniform } from "../../base/index.ts";
import {
  cast,
  constant,
  formatShape,
  inference,
  less,
  minimum,
  mul,
  type Pass,
  randomUniform,
  reshape,
  sub,
  type Tensor,
  where,
} from "../../engine/index.ts";
import type { Bert, BertContext } from "./bert.ts";
import { tokenLoss } from "./token-loss.ts";

export interface MaskingOptions {
  /** The token that stands for a hidden one. */
  readonly maskToken: number;
  /** Tokens below this number, such as padding and separators, are never hidden. */
  readonly firstWord: number;
  readonly vocabularySize: number;
  /** Share of the tokens to be predicted; 0.15 as published. */
  readonly rate?: number;
  /** Tells these draws from those of the model's layers; three are used. */
  readonly salt?: number;
}

/** Tokens of which some are hidden, and which those are. */
export interface MaskedTokens {
  /** int64 `[batch, time]`. */
  readonly tokens: Tensor;
  /** 1 where the token is to be predicted, `[batch, time]`. */
  readonly chosen: Tensor;
}

/**
 * Chooses 15 % of the words to be predicted. Of those, 80 % become the mask token, 10 % a random token, and 10 % stay, so that the
 * model cannot rely on seeing what is hidden.
 *
 * In training the draws are made in the graph from the step's seed: other words in every step (as RoBERTa, Liu et al. 2019), and the
 * same ones in a run that resumes. In inference they are fixed by the place in the batch, so that validation losses compare.
 *
 * @param tokens int64 `[batch, time]`; the batch has to be a number, as it is in training
 * @throws PlatformError `MODEL_OPTION_INVALID` when the rate is outside (0, 1)
 */
export function maskTokens(
  tokens: Tensor,
  visible: Tensor,
  { maskToken, firstWord, vocabularySize, rate = 0.15, salt = 2 ** 20 }: MaskingOptions,
  { seed }: Pass = inference,
): MaskedTokens {
  if (!(rate > 0 && rate < 1)) {
    const message = `maskTokens: expected a rate in (0, 1), received ${rate}`;
    throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
  }
  const [batch, time] = tokens.shape;
  if (typeof batch !== "number" || typeof time !== "number") {
    const message = `maskTokens: expected tokens of a fixed shape, received ${formatShape(tokens.shape)}`;
    throw new PlatformError("input", "SHAPE_MISMATCH", message);
  }
  const draw = (use: number): Tensor =>
    seed
      ? randomUniform(seed, [batch, time], salt + use)
      : constant(Float32Array.from(uniform(foldIn(keyFrom(salt), use), batch * time)), [batch, time]);
  const whole = (value: number) => constant([value], [], "int64");
  const words = sub(1, cast(less(tokens, whole(firstWord)), "float32"));
  const chosen = mul(mul(cast(less(draw(0), rate), "float32"), words), visible);
  // The largest product may round up to the vocabulary's size.
  const random = cast(minimum(mul(draw(1), vocabularySize), vocabularySize - 1), "int64");
  const fate = draw(2);
  const replaced = where(less(fate, 0.8), whole(maskToken), where(less(fate, 0.9), random, tokens));
  return { tokens: where(less(0, chosen), replaced, tokens), chosen };
}

/**
 * The loss of masked-language pre-training, a scalar: mean cross-entropy over the words that were chosen.
 *
 * @param weights of the samples, `[batch]`
 */
export function maskedLanguageLoss(
  bert: Bert,
  { tokens, ...context }: BertContext & { readonly tokens: Tensor; readonly visible: Tensor },
  weights: Tensor,
  options: Omit<MaskingOptions, "vocabularySize">,
  pass: Pass = inference,
): Tensor {
  const { vocabularySize } = bert;
  const masked = maskTokens(tokens, context.visible, { ...options, vocabularySize }, pass);
  const logits = bert.predictTokens(bert.apply(masked.tokens, context, pass));
  return tokenLoss(logits, tokens, mul(masked.chosen, reshape(weights, [...weights.shape, 1])));
}
