import { z } from "zod";
import { PlatformError } from "../../base/index.ts";
import { chosenRows, type FitRows } from "../fit-rows.ts";

/** A cell of a categorical column. null, undefined, NaN and "" are missing; 1 and "1" are the same category. */
export type CategoryCell = string | number | boolean | null | undefined;

/** Columns by name, all of the same length. */
export type CategoryTable = Readonly<Record<string, readonly CategoryCell[]>>;

export interface FitCategoriesOptions {
  /** The columns, in the order of the output; all of the table's, in its order, when absent. */
  readonly columns?: readonly string[];
  /** The rows to learn from: the training part. Without it every row is used. */
  readonly fitRows?: FitRows;
  /** What to do with a category that the training part does not have: refuse it, or give it the code for unknown. */
  readonly unknown?: UnknownPolicy;
}

export type UnknownPolicy = "error" | "unknown";

/** The categories of each column in order of their codes; plain data that JSON keeps. */
export interface CategoryEncoder {
  readonly columns: readonly {
    readonly name: string;
    /** In order of UTF-16 code units, whatever the order of the rows; null, for missing, is last when training had it. */
    readonly categories: readonly (string | null)[];
  }[];
  readonly unknown: UnknownPolicy;
}

/**
 * Learns the categories of each column from the training rows.
 *
 * @throws PlatformError `DATA_SHAPE_MISMATCH` when columns differ in length, or the fitted rows are none or lie outside;
 *   `DATA_COLUMN_MISSING` when a named column is not there
 * @example
 * fitCategories({ sector: ["tech", "bank", null] }).columns[0].categories; // => ["bank", "tech", null]
 */
export function fitCategories(table: CategoryTable, options: FitCategoriesOptions = {}): CategoryEncoder {
  const { columns = Object.keys(table), fitRows, unknown = "error" } = options;
  const cells = selectColumns(table, columns);
  const rows = chosenRows(cells[0]?.length ?? 0, fitRows);
  return {
    unknown,
    columns: columns.map((name, column) => {
      const seen = new Set(Array.from(rows, (row) => categoryOf(cells[column][row])));
      const known = [...seen].filter((category) => category !== null).sort();
      return { name, categories: seen.has(null) ? [...known, null] : known };
    }),
  };
}

/**
 * Codes `[rows, columns]`, row by row: the category's place, or, under the policy `unknown`, the number of categories for one
 * that training did not have. An embedding therefore needs `categories.length + 1` rows under that policy.
 *
 * @throws PlatformError `DATA_CATEGORY_UNKNOWN` under the policy `error`; `DATA_COLUMN_MISSING`; `DATA_SHAPE_MISMATCH`
 * @example
 * toOrdinal(fitCategories({ sector: ["tech", "bank"] }), { sector: ["bank", "tech"] }); // => [0, 1]
 */
export function toOrdinal(encoder: CategoryEncoder, table: CategoryTable): Int32Array {
  const width = encoder.columns.length;
  const cells = selectColumns(
    table,
    encoder.columns.map(({ name }) => name),
  );
  const rows = cells[0]?.length ?? 0;
  const codes = new Int32Array(rows * width);
  encoder.columns.forEach(({ name, categories }, column) => {
    const codeOf = new Map(categories.map((category, code) => [category, code]));
    for (let row = 0; row < rows; row++) {
      const category = categoryOf(cells[column][row]);
      const code = codeOf.get(category);
      if (code === undefined && encoder.unknown === "error")
        throw unknownCategory(name, row, category, categories);
      codes[row * width + column] = code ?? categories.length;
    }
  });
  return codes;
}

/**
 * One 0/1 feature for each category, `[rows, features]`, row by row, in the order of `oneHotNames`. An unknown category is
 * all zeros under the policy `unknown`: a feature of its own would carry a weight that training never moved.
 *
 * @throws PlatformError as `toOrdinal`
 * @example
 * toOneHot(fitCategories({ sector: ["tech", "bank"] }), { sector: ["tech"] }); // => [0, 1]
 */
export function toOneHot(encoder: CategoryEncoder, table: CategoryTable): Float32Array {
  const codes = toOrdinal(encoder, table);
  const width = encoder.columns.length;
  const features = oneHotNames(encoder).length;
  const rows = width === 0 ? 0 : codes.length / width;
  const out = new Float32Array(rows * features);
  let first = 0;
  encoder.columns.forEach(({ categories }, column) => {
    for (let row = 0; row < rows; row++) {
      const code = codes[row * width + column];
      if (code < categories.length) out[row * features + first + code] = 1;
    }
    first += categories.length;
  });
  return out;
}

/**
 * The names of the one-hot features.
 *
 * @example
 * oneHotNames(fitCategories({ sector: ["tech", null] })); // => ["sector=tech", "sector is missing"]
 */
export function oneHotNames(encoder: CategoryEncoder): string[] {
  return encoder.columns.flatMap(({ name, categories }) =>
    categories.map((category) => (category === null ? `${name} is missing` : `${name}=${category}`)),
  );
}

/** @throws PlatformError `DATA_STATE_INVALID` when the value is not an encoder */
export function categoriesFromJson(json: unknown): CategoryEncoder {
  const parsed = encoderSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const field = ["categories", ...path].join(".");
  throw new PlatformError("input", "DATA_STATE_INVALID", `${field}: ${message}`, { field });
}

const encoderSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      categories: z
        .array(z.string().nullable())
        .refine((list) => new Set(list).size === list.length, "expected categories that differ"),
    }),
  ),
  unknown: z.enum(["error", "unknown"]),
});

function categoryOf(cell: CategoryCell): string | null {
  return cell === null || cell === undefined || cell === "" || Number.isNaN(cell) ? null : String(cell);
}

function selectColumns(table: CategoryTable, names: readonly string[]): (readonly CategoryCell[])[] {
  const selected = names.map((name) => {
    if (Object.hasOwn(table, name)) return table[name];
    const found = Object.keys(table).join(", ") || "none";
    const message = `categories: expected a column "${name}", received the columns ${found}`;
    throw new PlatformError("input", "DATA_COLUMN_MISSING", message, { field: name });
  });
  selected.forEach((column, index) => {
    if (column.length === selected[0].length) return;
    const message = `categories: ${names[index]}: expected ${selected[0].length} rows as in ${names[0]}, received ${column.length}`;
    throw new PlatformError("input", "DATA_SHAPE_MISMATCH", message, { field: names[index] });
  });
  return selected;
}

function unknownCategory(
  name: string,
  row: number,
  category: string | null,
  categories: readonly (string | null)[],
): PlatformError {
  const show = (value: string | null) => (value === null ? "missing" : JSON.stringify(value));
  const shown = categories.slice(0, 8).map(show).join(", ");
  const known = categories.length > 8 ? `${shown} and ${categories.length - 8} more` : shown;
  const message = `categories: row ${row}, ${name}: expected one of ${known}, received ${show(category)}`;
  return new PlatformError("input", "DATA_CATEGORY_UNKNOWN", message, { field: name });
}
