/** Where a search looks: each hyper-parameter with the values that it may take. */
import { foldIn, type Key, PlatformError, uniform } from "../../base/index.ts";

/** The values that one hyper-parameter may take. */
export type Dimension =
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "logUniform"; readonly low: number; readonly high: number }
  /** Whole numbers, both ends included. */
  | { readonly kind: "integer"; readonly low: number; readonly high: number }
  | { readonly kind: "categorical"; readonly choices: readonly (string | number | boolean)[] };

export type Space = Readonly<Record<string, Dimension>>;

/** One value for each hyper-parameter of a space. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** Any number between the two, all alike. */
export function uniformBetween(low: number, high: number): Dimension {
  ordered("uniform", low, high);
  return { kind: "uniform", low, high };
}

/** Any positive number between the two, all orders of magnitude alike: the scale of learning rates and penalties. */
export function logUniformBetween(low: number, high: number): Dimension {
  ordered("logUniform", low, high);
  if (!(low > 0)) throw invalid("logUniform", "bounds above 0", low);
  return { kind: "logUniform", low, high };
}

/** Any whole number from the one to the other. */
export function integerBetween(low: number, high: number): Dimension {
  ordered("integer", low, high);
  for (const bound of [low, high])
    if (!Number.isSafeInteger(bound)) throw invalid("integer", "whole bounds", bound);
  return { kind: "integer", low, high };
}

/** One of several values that have no order. */
export function oneOf(...choices: readonly (string | number | boolean)[]): Dimension {
  if (choices.length === 0) throw invalid("categorical", "at least one choice", "none");
  return { kind: "categorical", choices };
}

/** A point of the space at random. */
export function samplePoint(space: Space, key: Key): Parameters {
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => [
      name,
      valueAt(dimension, uniform(foldIn(key, name), 1)[0]),
    ]),
  );
}

/** The value at a share in [0, 1) of a dimension. */
export function valueAt(dimension: Dimension, share: number): string | number | boolean {
  if (dimension.kind === "categorical")
    return dimension.choices[Math.floor(share * dimension.choices.length)];
  const [low, high] = bounds(dimension);
  return fromScale(dimension, low + share * (high - low));
}

export type NumericDimension = Exclude<Dimension, { readonly kind: "categorical" }>;

/** The ends of a numeric dimension on the scale on which it is even; a whole number owns half a step on either side. */
export function bounds({ kind, low, high }: NumericDimension): readonly [number, number] {
  if (kind === "logUniform") return [Math.log(low), Math.log(high)];
  return kind === "integer" ? [low - 0.5, high + 0.5] : [low, high];
}

/** A value on the scale on which its dimension is even. */
export function toScale({ kind }: NumericDimension, value: number): number {
  return kind === "logUniform" ? Math.log(value) : value;
}

/** And back, inside the bounds whatever rounding does. */
export function fromScale({ kind, low, high }: NumericDimension, scaled: number): number {
  const value = kind === "logUniform" ? Math.exp(scaled) : kind === "integer" ? Math.round(scaled) : scaled;
  return Math.min(high, Math.max(low, value));
}

function ordered(kind: string, low: number, high: number): void {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw invalid(kind, "finite bounds, the lower first", `${low} and ${high}`);
}

function invalid(kind: string, expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `search space: ${kind}: expected ${expected}, received ${received}`,
  );
}
