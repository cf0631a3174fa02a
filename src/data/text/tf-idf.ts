import { z } from "zod";
import { PlatformError } from "../../base/index.ts";
import { murmur3 } from "./murmur3.ts";
import { ngrams, tokenise } from "./tokenise.ts";

export interface TfIdfOptions {
  /** Width of the vectors. More features mean fewer terms that share one. */
  readonly features?: number;
  /** Shortest and longest run of tokens that counts as a term. */
  readonly ngrams?: readonly [shortest: number, longest: number];
}

/** What was learnt from the training documents; plain data. */
export interface TfIdf {
  readonly features: number;
  readonly ngrams: readonly [shortest: number, longest: number];
  /** Number of training documents. */
  readonly documents: number;
  /** In how many of them each feature occurs, `[features]`. */
  readonly documentFrequency: Int32Array;
}

/** `TfIdf` as JSON. */
export interface TfIdfJson extends Omit<TfIdf, "documentFrequency"> {
  readonly documentFrequency: readonly number[];
}

/** The features of one document that are not 0, in rising order. */
export interface SparseRow {
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * Learns how common each feature is, from the training documents only. A term's feature and sign come from its hash
 * (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"), so there is no vocabulary to store and a new
 * word at prediction has its place too.
 *
 * @throws PlatformError `DATA_OPTION_INVALID` when an option is outside its range; `DATA_SHAPE_MISMATCH` without documents
 * @example
 * fitTfIdf(["card lost", "card stolen"], { features: 64 }).documents; // => 2
 */
export function fitTfIdf(documents: readonly string[], options: TfIdfOptions = {}): TfIdf {
  const { features = 4096, ngrams: [shortest, longest] = [1, 2] } = options;
  requireOption("features", features, 1, 2 ** 24);
  requireOption("ngrams: shortest", shortest, 1, 8);
  requireOption("ngrams: longest", longest, shortest, 8);
  if (documents.length === 0) {
    throw new PlatformError(
      "input",
      "DATA_SHAPE_MISMATCH",
      "fitTfIdf: expected at least one document, received none",
    );
  }
  const documentFrequency = new Int32Array(features);
  for (const document of documents) {
    const seen = new Set(
      Array.from(terms(document, shortest, longest).keys(), (term) => place(term, features).index),
    );
    for (const index of seen) documentFrequency[index]++;
  }
  return { features, ngrams: [shortest, longest], documents: documents.length, documentFrequency };
}

/**
 * A text as a unit vector: each term counts `1 + ln(count)`, with its sign, times its feature's
 * `ln((1 + documents) / (1 + documentFrequency)) + 1` (scikit-learn's smoothed idf). A text without terms is all 0.
 *
 * @example
 * vectorise(fitTfIdf(["card lost"]), "card").values.length; // => 1
 */
export function vectorise(tfIdf: TfIdf, text: string): SparseRow {
  const sums = new Map<number, number>();
  for (const [term, count] of terms(text, ...tfIdf.ngrams)) {
    const { index, sign } = place(term, tfIdf.features);
    sums.set(index, (sums.get(index) ?? 0) + sign * (1 + Math.log(count)));
  }
  const entries = [...sums]
    .map(([index, sum]) => [index, sum * idf(tfIdf, index)] as const)
    .filter(([, value]) => value !== 0) // two terms of opposite sign in one feature cancel
    .sort(([a], [b]) => a - b);
  const length = Math.sqrt(entries.reduce((sum, [, value]) => sum + value * value, 0));
  return {
    indices: Int32Array.from(entries, ([index]) => index),
    values: Float32Array.from(entries, ([, value]) => value / length),
  };
}

/**
 * Sparse rows side by side as a matrix `[rows, features]`.
 *
 * @example
 * toDense([{ indices: new Int32Array([1]), values: new Float32Array([0.5]) }], 3); // => [0, 0.5, 0]
 */
export function toDense(rows: readonly SparseRow[], features: number): Float32Array {
  const dense = new Float32Array(rows.length * features);
  rows.forEach(({ indices, values }, row) => {
    for (let i = 0; i < indices.length; i++) dense[row * features + indices[i]] = values[i];
  });
  return dense;
}

export function tfIdfToJson(tfIdf: TfIdf): TfIdfJson {
  return { ...tfIdf, documentFrequency: [...tfIdf.documentFrequency] };
}

/** @throws PlatformError `DATA_STATE_INVALID` when a field is missing or does not fit the others */
export function tfIdfFromJson(json: unknown): TfIdf {
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const field = ["tfIdf", ...path].join(".");
    throw new PlatformError("input", "DATA_STATE_INVALID", `${field}: ${message}`, { field });
  }
  return { ...parsed.data, documentFrequency: Int32Array.from(parsed.data.documentFrequency) };
}

const stateSchema = z
  .object({
    features: z.int().positive(),
    ngrams: z.tuple([z.int().positive(), z.int().positive()]),
    documents: z.int().positive(),
    documentFrequency: z.array(z.int().nonnegative()),
  })
  .refine((state) => state.documentFrequency.length === state.features, {
    path: ["documentFrequency"],
    message: "expected one number for each feature",
  });

function idf({ documents, documentFrequency }: TfIdf, index: number): number {
  return Math.log((1 + documents) / (1 + documentFrequency[index])) + 1;
}

/** How often each term occurs in a text. */
function terms(text: string, shortest: number, longest: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of ngrams(tokenise(text), shortest, longest)) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

/** The hash's size chooses the feature and its sign the sign, so that terms that share a feature cancel on average. */
function place(term: string, features: number): { index: number; sign: 1 | -1 } {
  const hash = murmur3(term, 0);
  return { index: Math.abs(hash) % features, sign: hash >= 0 ? 1 : -1 };
}

function requireOption(field: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const message = `fitTfIdf: ${field}: expected a whole number from ${low} to ${high}, received ${value}`;
  throw new PlatformError("input", "DATA_OPTION_INVALID", message, { field });
}
