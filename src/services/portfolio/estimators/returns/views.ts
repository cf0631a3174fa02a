/** Opinions on returns, in words or as numbers, as rows of the matrix that Black-Litterman and entropy pooling work with. */
import { PlatformError } from "../../../../base/index.ts";

/** `Σ coefficient × return of asset = value`, annual. */
export interface View {
  readonly coefficients: Readonly<Record<string, number>>;
  /** Annual return; 0.02 is two percent. */
  readonly value: number;
  /** Inside (0, 1]: how sure the author is; 1 is certain. Idzorek's method turns it into the view's variance. */
  readonly confidence?: number;
}

/**
 * A view in words: `AAPL = 10%`, `MSFT - GOOG = 0.02`, `0.5 * XOM + 0.5 * CVX - T = 3% @ 60%`. What follows `@` is the
 * confidence.
 *
 * @param assets names that a view may use
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when the text cannot be read or names an asset that is not there
 * @example
 * parseView("MSFT - GOOG = 2% @ 60%", ["GOOG", "MSFT"]); // => { coefficients: { MSFT: 1, GOOG: -1 }, value: 0.02, confidence: 0.6 }
 */
export function parseView(text: string, assets: readonly string[]): View {
  const match = /^(?<left>[^=@]+)=(?<right>[^=@]+)(?:@(?<confidence>[^=@]+))?$/.exec(text.trim());
  if (!match?.groups)
    throw invalid(text, 'a view such as "AAPL = 10%" or "MSFT - GOOG = 2% @ 60%"', "no such form");
  const value = share(match.groups["right"], text);
  const confidence =
    match.groups["confidence"] === undefined ? undefined : share(match.groups["confidence"], text);
  if (confidence !== undefined && !(confidence > 0 && confidence <= 1))
    throw invalid(text, "a confidence above 0% and at most 100%", `${confidence}`);
  const coefficients: Record<string, number> = {};
  const term =
    /\s*(?<sign>[+-])?\s*(?:(?<factor>\d*\.?\d+(?:[eE][+-]?\d+)?)\s*\*\s*)?(?<name>"[^"]+"|[^\s+*-]+)\s*/y;
  const left = match.groups["left"];
  for (let at = 0; at < left.length; ) {
    term.lastIndex = at;
    const found = term.exec(left);
    if (!found?.groups || (at > 0 && found.groups["sign"] === undefined))
      throw invalid(text, "terms such as 2 * AAPL - MSFT", `"${left.slice(at).trim()}"`);
    const { name: word, sign, factor } = found.groups;
    // A symbol such as BRK-B has a sign inside: the longest name that stands here wins.
    const rest = left.slice(at + found[0].indexOf(word));
    const name =
      [...assets].sort((a, b) => b.length - a.length).find((asset) => standsAt(rest, asset)) ??
      word.replace(/^"|"$/g, "");
    if (!assets.includes(name)) throw invalid(text, `one of ${list(assets)}`, `"${name}"`);
    coefficients[name] =
      (coefficients[name] ?? 0) + (sign === "-" ? -1 : 1) * (factor === undefined ? 1 : Number(factor));
    const used = standsAt(rest, name) ? name.length : word.length;
    at += found[0].indexOf(word) + used;
    at += /^\s*/.exec(left.slice(at))?.[0].length ?? 0;
  }
  return { coefficients, value, ...(confidence === undefined ? {} : { confidence }) };
}

/**
 * The views as a matrix of rows `[views][assets]` and their values.
 *
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when a view names an unknown asset, has no asset or a value that is not finite
 */
export function viewRows(views: readonly View[], assets: readonly string[]) {
  const rows = views.map((view) => {
    const row = new Float64Array(assets.length);
    for (const [asset, coefficient] of Object.entries(view.coefficients)) {
      const at = assets.indexOf(asset);
      if (at < 0) throw invalid(describe(view), `one of ${list(assets)}`, `"${asset}"`);
      row[at] = coefficient;
    }
    if (row.every((coefficient) => coefficient === 0))
      throw invalid(describe(view), "at least one asset", "none");
    if (!Number.isFinite(view.value) || !row.every(Number.isFinite))
      throw invalid(describe(view), "finite numbers", `${view.value}`);
    return row;
  });
  return { rows, values: Float64Array.from(views, ({ value }) => value) };
}

/** A view as a person would write it. */
export function describe({ coefficients, value }: View): string {
  const terms = Object.entries(coefficients).map(([asset, coefficient], k) => {
    const sign = coefficient < 0 ? (k === 0 ? "-" : "- ") : k === 0 ? "" : "+ ";
    return `${sign}${Math.abs(coefficient) === 1 ? "" : `${Math.abs(coefficient)} * `}${asset}`;
  });
  return `${terms.join(" ") || "nothing"} = ${value}`;
}

function standsAt(text: string, name: string): boolean {
  return text.startsWith(name) && !/[\w.]/.test(text[name.length] ?? " ");
}

function share(text: string, view: string): number {
  const match = /^\s*([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(%?)\s*$/.exec(text);
  if (!match) throw invalid(view, "a number or a percentage", `"${text.trim()}"`);
  return match[2] === "%" ? Number((Number(match[1]) / 100).toPrecision(15)) : Number(match[1]);
}

function list(assets: readonly string[]): string {
  return assets.length > 8
    ? `${assets.slice(0, 8).join(", ")} and ${assets.length - 8} others`
    : assets.join(", ");
}

function invalid(view: string, expected: string, received: string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_VIEW_INVALID",
    `view "${view}": expected ${expected}, received ${received}`,
    { field: "views" },
  );
}
