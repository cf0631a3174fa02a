/** Opinions on returns, in words or as numbers, as rows of the matrix that Black-Litterman and entropy pooling work with. */
import { PlatformError } from "../../../../base/index.ts";
import { readRelations } from "../../constraints/words.ts";

/** `Σ coefficient × return of asset = value`, annual. */
export interface View {
  readonly coefficients: Readonly<Record<string, number>>;
  /** Annual return; 0.02 is two percent. */
  readonly value: number;
  /** Inside (0, 1]: how sure the author is; 1 is certain. Idzorek's method turns it into the view's variance. */
  readonly confidence?: number;
}

/**
 * A view in words: `AAPL = 10%`, `MSFT - GOOG = 0.02`, `XOM = CVX + 1%`, `0.5 * XOM + 0.5 * CVX - T = 3% @ 60%`. It is written
 * as a constraint is; what follows `@` is the confidence.
 *
 * @param assets names that a view may use
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when the text is not a view, has a number that is not finite, or names an asset
 *   that is not there
 * @example
 * parseView("MSFT - GOOG = 2% @ 60%", ["GOOG", "MSFT"]).confidence; // => 0.6
 */
export function parseView(text: string, assets: readonly string[]): View {
  const [statement, sure, ...rest] = text.split("@");
  const relations = readRelations(statement, assets, "view");
  if (rest.length > 0 || relations.length !== 1 || relations[0].kind !== "=")
    throw invalid(text, 'one equation such as "AAPL = 10%" or "MSFT - GOOG = 2% @ 60%"', "another form");
  const [{ coefficients, constant }] = relations;
  const view = { coefficients: Object.fromEntries(coefficients), value: 0 - constant };
  if (sure === undefined) return view;
  const match = /^\s*(\d*\.?\d+)\s*(%?)\s*$/.exec(sure);
  const confidence = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN;
  if (!(confidence > 0 && confidence <= 1))
    throw invalid(text, "a confidence above 0% and at most 100% behind the @", `"${sure.trim()}"`);
  return { ...view, confidence };
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
    const odd = [view.value, ...row].find((value) => !Number.isFinite(value));
    if (odd !== undefined) throw invalid(describe(view), "finite numbers", `${odd}`);
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
