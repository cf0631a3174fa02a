/** What each column of a price table is. */
import type { NumberRole, Role } from "./column-names.ts";

/** Numbers are positions of columns. */
export type Layout = LongLayout | WideLayout;

export interface LongLayout {
  readonly kind: "long";
  readonly columns: { readonly [R in Role]: number | null };
  readonly ignored: readonly string[];
  readonly notes: readonly string[];
}

/** A date column, and columns of each symbol: its closing prices alone, or whole bars. */
export interface WideLayout {
  readonly kind: "wide";
  readonly time: number;
  readonly assets: readonly {
    readonly symbol: string;
    readonly columns: { readonly [R in NumberRole]?: number } & { readonly close: number };
  }[];
  readonly ignored: readonly string[];
  readonly notes: readonly string[];
}

/** That prices are not adjusted although the file would allow it. */
export function notAdjusted(close: string, adjusted: string): string {
  return `Prices are those of "${close.trim()}"; format.adjust scales them by "${adjusted.trim()}", for splits and dividends.`;
}

/** That a bar is of two kinds of prices. */
export const notAllAdjusted =
  "The close is adjusted for splits and dividends, and open, high and low may not be; format.adjust scales all of a bar beside a raw close.";
