/** The names nearest to a misspelled one: error messages suggest them. */

/**
 * Up to three of `names` within a third of the letters of `name`, nearest first; letter case does not count.
 *
 * @example
 * nearestNames("AAPPL", ["MSFT", "AAPL", "AMZN"]); // => ["AAPL"]
 */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const wanted = name.trim().toLowerCase();
  const near: { name: string; distance: number }[] = [];
  for (const candidate of names) {
    const other = candidate.trim().toLowerCase();
    const contained =
      wanted.length >= 3 && (other.includes(wanted) || wanted.includes(other)) && other !== "";
    const distance = contained ? 1 : editDistance(wanted, other);
    if (distance <= Math.max(1, Math.floor(wanted.length / 3))) near.push({ name: candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, 3).map((entry) => entry.name);
}

/** `; did you mean "AAPL"?`, or nothing when no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const near = nearestNames(name, names);
  return near.length === 0 ? "" : `; did you mean ${near.map((n) => `"${n}"`).join(" or ")}?`;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, before[j - 2] + 1);
      }
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}
