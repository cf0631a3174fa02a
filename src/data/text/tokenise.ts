/**
 * Numbers first, so that 1,234.50 stays one token and 5g stays one too; then words of any script with their inner
 * apostrophes; then signs that carry meaning in finance.
 */
const pattern =
  /\p{N}+(?:[.,]\p{N}+)*[\p{L}\p{M}\p{N}]*|[\p{L}\p{M}\p{N}]+(?:'[\p{L}\p{M}\p{N}]+)*|\p{Sc}|%/gu;

/** Digits in groups of three, as written in English: 1,234 or 1,234,567.89. */
const grouped = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/**
 * The tokens of a text: words in lower case, numbers without group separators, currency signs and %. Compatibility forms are
 * made equal first (NFKC), and typographic apostrophes straight. Scripts that are written without spaces give one token
 * for each run of characters: a dictionary that splits them differs between machines, and a fitted transform must not.
 *
 * @example
 * tokenise("Fee: $1,250.50 (2.5%), isn’t it?"); // => ["fee", "$", "1250.50", "2.5", "%", "isn't", "it"]
 */
export function tokenise(text: string): string[] {
  const plain = text.normalize("NFKC").toLowerCase().replaceAll("’", "'");
  return Array.from(plain.matchAll(pattern), ([token]) =>
    grouped.test(token) ? token.replaceAll(",", "") : token,
  );
}

/**
 * Runs of `shortest` to `longest` neighbouring tokens, joined by a space; the shorter ones first.
 *
 * @example
 * ngrams(["lost", "my", "card"], 1, 2); // => ["lost", "my", "card", "lost my", "my card"]
 */
export function ngrams(tokens: readonly string[], shortest: number, longest: number): string[] {
  const grams: string[] = [];
  for (let size = shortest; size <= longest; size++) {
    for (let start = 0; start + size <= tokens.length; start++) {
      grams.push(tokens.slice(start, start + size).join(" "));
    }
  }
  return grams;
}
