import { z } from "zod";
import { PlatformError } from "../../base/index.ts";
import { tokenise } from "./tokenise.ts";

/** Tokens of a vocabulary that stand for no word, in the order of their numbers. */
export const specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

export interface VocabularyOptions {
  /** Most words to keep, without the special tokens; the more frequent ones come first. */
  readonly maxWords?: number;
  /** Texts that a word has to occur in. */
  readonly minTexts?: number;
}

/** Words by number; the special tokens come first. Plain data that JSON keeps. */
export interface Vocabulary {
  readonly tokens: readonly string[];
}

/** Texts as rows of token numbers, all of one length. */
export interface EncodedTexts {
  /** int64 `[texts, length]`; 0 is padding. */
  readonly tokens: BigInt64Array;
  /** 1 for a token, 0 for padding, `[texts, length]`. */
  readonly visible: Float32Array;
  readonly length: number;
}

/**
 * Learns the words of the training texts: those in most texts first, and in order of UTF-16 code units where several are in as many.
 *
 * @throws PlatformError `DATA_SHAPE_MISMATCH` without texts
 * @example
 * fitVocabulary(["lost card", "card"]).tokens.slice(5); // => ["card", "lost"]
 */
export function fitVocabulary(
  texts: readonly string[],
  { maxWords = 30_000, minTexts = 1 }: VocabularyOptions = {},
): Vocabulary {
  if (texts.length === 0) {
    const message = "fitVocabulary: expected at least one text, received none";
    throw new PlatformError("input", "DATA_SHAPE_MISMATCH", message);
  }
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of new Set(tokenise(text))) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts]
    .filter(([, count]) => count >= minTexts)
    .sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
    .slice(0, maxWords);
  return { tokens: [...specialTokens, ...words.map(([word]) => word)] };
}

/**
 * Texts as token numbers: `[CLS]`, the words, `[SEP]`, then padding. A word that training did not have is `[UNK]`; what does not fit
 * the length is cut off before the `[SEP]`.
 *
 * @throws PlatformError `DATA_OPTION_INVALID` when the length is not a whole number of 3 or more
 * @example
 * encodeTexts(fitVocabulary(["lost card"]), ["card"], 4).tokens; // => [2n, 5n, 3n, 0n]
 */
export function encodeTexts({ tokens }: Vocabulary, texts: readonly string[], length: number): EncodedTexts {
  requireLength("encodeTexts", length, 3);
  const numberOf = new Map(tokens.map((token, place) => [token, place]));
  const [unknown, first, last] = ["[UNK]", "[CLS]", "[SEP]"].map((token) => numberOf.get(token) as number);
  return padded(
    texts.map((text) => {
      const words = tokenise(text).map((word) => numberOf.get(word) ?? unknown);
      return [first, ...words.slice(0, length - 2), last];
    }),
    length,
  );
}

/** Rows of numbers, cut or filled up to one length. */
export function padded(rows: readonly (readonly number[])[], length: number): EncodedTexts {
  const encoded = {
    tokens: new BigInt64Array(rows.length * length),
    visible: new Float32Array(rows.length * length),
  };
  rows.forEach((row, i) => {
    row.slice(0, length).forEach((token, t) => {
      encoded.tokens[i * length + t] = BigInt(token);
      encoded.visible[i * length + t] = 1;
    });
  });
  return { ...encoded, length };
}

export function requireLength(where: string, length: number, least: number): void {
  if (Number.isSafeInteger(length) && length >= least) return;
  const message = `${where}: length: expected a whole number of ${least} or more, received ${length}`;
  throw new PlatformError("input", "DATA_OPTION_INVALID", message, { field: "length" });
}

/** @throws PlatformError `DATA_STATE_INVALID` when the value is not a vocabulary */
export function vocabularyFromJson(json: unknown): Vocabulary {
  const parsed = vocabularySchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const field = ["vocabulary", ...path].join(".");
  throw new PlatformError("input", "DATA_STATE_INVALID", `${field}: ${message}`, { field });
}

const vocabularySchema = z.object({
  tokens: z
    .array(z.string())
    .refine((tokens) => new Set(tokens).size === tokens.length, "expected tokens that differ")
    .refine(
      (tokens) => specialTokens.every((token, place) => tokens[place] === token),
      "expected the special tokens first",
    ),
});
