/**
 * The names nearest to a misspelt one, best first: those within a third of its length in edits, or that begin with it.
 *
 * @example
 * suggest("lokback", ["lookback", "horizon"]); // => ["lookback"]
 */
export function suggest(word: string, names: readonly string[], count = 3): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  return names
    .map((name) => {
      const edits = editDistance(wanted, name.toLowerCase());
      const begins = wanted.length > 1 && name.toLowerCase().startsWith(wanted);
      return { name, distance: begins ? Math.min(edits, 0.5) : edits };
    })
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau 1964, optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
