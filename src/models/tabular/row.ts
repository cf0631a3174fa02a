import { PlatformError } from "../../base/index.ts";
import { formatShape, type Tensor } from "../../engine/index.ts";
import { requireSizes } from "../options.ts";

/** The rows of a table, as the networks of this folder read them. */
export interface Row {
  /** float32 `[batch, numbers]`, normalised; absent when the table has none. */
  readonly numbers?: Tensor;
  /** int64 `[batch, columns]`: each category's code; absent when the table has none. */
  readonly codes?: Tensor;
}

/** @throws PlatformError `MODEL_OPTION_INVALID` when a table has no column, or a column no category */
export function requireColumns(model: string, numbers: number, categories: readonly number[]): void {
  const named = Object.fromEntries(categories.map((count, i) => [`categories[${i}]`, count]));
  requireSizes(model, named);
  requireSizes(model, { numbers }, categories.length === 0 ? 1 : 0);
}

/**
 * The two parts of a row, each in a list that is empty when the model was made without it.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when a part is missing, too much, or has other columns
 */
export function requireRow(
  model: string,
  { numbers, codes }: Row,
  numberColumns: number,
  codeColumns: number,
): { readonly numbers: readonly Tensor[]; readonly codes: readonly Tensor[] } {
  const part = (name: string, tensor: Tensor | undefined, columns: number): readonly Tensor[] => {
    if (columns === 0 && !tensor) return [];
    if (tensor && tensor.shape.length === 2 && tensor.shape[1] === columns) return [tensor];
    const expected = columns === 0 ? `no ${name}` : `${name} [batch, ${columns}]`;
    const received = tensor ? formatShape(tensor.shape) : "none";
    throw new PlatformError(
      "input",
      "SHAPE_MISMATCH",
      `${model}: expected ${expected}, received ${received}`,
    );
  };
  return { numbers: part("numbers", numbers, numberColumns), codes: part("codes", codes, codeColumns) };
}
