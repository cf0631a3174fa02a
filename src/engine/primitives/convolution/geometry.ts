import { formatShape, mismatch } from "../../shape.ts";

/** How a window slides over the spatial axes; one entry per axis. */
export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before and after each axis. */
  readonly padding: readonly (readonly [number, number])[];
}

/** Sizes after a window of `kernel` has slid over `sizes`. */
export function slidSizes(
  where: string,
  sizes: readonly number[],
  kernel: readonly number[],
  { strides, dilations, padding }: Window,
): number[] {
  return sizes.map((size, axis) => {
    const [before, after] = padding[axis];
    const reach = dilations[axis] * (kernel[axis] - 1) + 1;
    const room = before + size + after - reach;
    if (room < 0) {
      throw mismatch(
        `${where}: expected a window of at most ${before + size + after} in spatial axis ${axis} of ${formatShape(sizes)}, received one that reaches over ${reach}`,
      );
    }
    return Math.floor(room / strides[axis]) + 1;
  });
}

/** ONNX's order: all beginnings, then all ends. */
export function onnxPads({ padding }: Window): number[] {
  return [...padding.map(([before]) => before), ...padding.map(([, after]) => after)];
}
