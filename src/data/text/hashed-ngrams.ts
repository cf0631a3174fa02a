import { PlatformError } from "../../base/index.ts";
import { murmur3 } from "./murmur3.ts";
import { ngrams, tokenise } from "./tokenise.ts";
import { type EncodedTexts, padded, requireLength } from "./vocabulary.ts";

export interface HashedNgramsOptions {
  /** Numbers to hash into. */
  readonly buckets: number;
  /** Most n-grams of a text; what does not fit is cut off, longer n-grams first. */
  readonly length: number;
  /** Shortest and longest run of words; single words and pairs by default, as Joulin et al. (2017) report. */
  readonly ngrams?: readonly [shortest: number, longest: number];
}

/**
 * Texts as numbers of their n-grams in [0, buckets), by the hashing trick: nothing has to be learnt or stored, and a new word has its
 * place too. Padding is 0 as well, and told apart by `visible`.
 *
 * @throws PlatformError `DATA_OPTION_INVALID` when buckets or length are not whole numbers of 1 or more
 * @example
 * hashNgrams(["lost card"], { buckets: 100, length: 4 }).visible; // => [1, 1, 1, 0]
 */
export function hashNgrams(
  texts: readonly string[],
  { buckets, length, ngrams: [shortest, longest] = [1, 2] }: HashedNgramsOptions,
): EncodedTexts {
  requireLength("hashNgrams", length, 1);
  if (!(Number.isSafeInteger(buckets) && buckets >= 1)) {
    const message = `hashNgrams: buckets: expected a whole number of 1 or more, received ${buckets}`;
    throw new PlatformError("input", "DATA_OPTION_INVALID", message, { field: "buckets" });
  }
  const rows = texts.map((text) =>
    ngrams(tokenise(text), shortest, longest).map((gram) => (murmur3(gram, 0) >>> 0) % buckets),
  );
  return padded(rows, length);
}
