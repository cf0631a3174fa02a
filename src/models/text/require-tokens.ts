import { PlatformError } from "../../base/index.ts";
import { formatShape, type Tensor } from "../../engine/index.ts";

/** @throws PlatformError `SHAPE_MISMATCH` when tokens are not texts of at most `maxLength` */
export function requireTokens(model: string, { shape, dtype }: Tensor, maxLength: number): void {
  if (dtype === "int64" && shape.length === 2 && typeof shape[1] === "number" && shape[1] <= maxLength)
    return;
  const message = `${model}: expected tokens int64[batch, at most ${maxLength}], received ${dtype}${formatShape(shape)}`;
  throw new PlatformError("input", "SHAPE_MISMATCH", message);
}
