import { matmul, reshape, sum, transpose } from "./operations.ts";
import { type Dimension, formatShape, mismatch, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Einstein's sum over one or two tensors, as NumPy writes it: letters name axes, and a letter that the result lacks is summed over.
 *
 * Letters that both operands and the result share are batched, letters that only the operands share are contracted, so that two
 * operands become one batched matrix product. A letter may stand once in each operand.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when the text does not fit the tensors
 * @example
 * formatShape(einsum("bhid,bhjd->bhij", [input("q", [2, 4, 5, 8]), input("k", [2, 4, 7, 8])]).shape); // => "[2, 4, 5, 7]"
 * formatShape(einsum("ij->j", [input("x", [2, 3])]).shape); // => "[3]"
 */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  const parsed = /^([a-z]*(?:,[a-z]*)?)->([a-z]*)$/i.exec(equation.replaceAll(" ", ""));
  const terms = parsed?.[1].split(",") ?? [];
  if (!parsed || terms.length !== operands.length) {
    throw mismatch(
      `einsum: expected an equation such as "ij,jk->ik" for ${operands.length} tensors, received "${equation}"`,
    );
  }
  const sizes = new Map<string, Dimension>();
  terms.forEach((term, i) => {
    const { shape } = operands[i];
    if (new Set(term).size !== term.length || term.length !== shape.length) {
      throw mismatch(
        `einsum: expected one letter for each axis of ${formatShape(shape)}, received "${term}"`,
      );
    }
    [...term].forEach((letter, axis) => {
      const known = sizes.get(letter) ?? shape[axis];
      if (known !== shape[axis])
        throw mismatch(`einsum: expected "${letter}" of one size, received ${known} and ${shape[axis]}`);
      sizes.set(letter, known);
    });
  });
  const result = parsed[2];
  for (const letter of result) {
    if (!sizes.has(letter)) throw mismatch(`einsum: no operand has the axis "${letter}" of the result`);
  }
  const size = (letters: string): Dimension[] => [...letters].map((letter) => sizes.get(letter) as Dimension);
  const keep = (term: string, wanted: string) =>
    [...term].filter((letter) => wanted.includes(letter)).join("");

  // First drop what only one operand has and the result does not ask for.
  const [a, b] = operands.map((operand, i) => {
    const others = terms.filter((_, other) => other !== i).join("") + result;
    const gone = [...terms[i]].flatMap((letter, axis) => (others.includes(letter) ? [] : [axis]));
    return { letters: keep(terms[i], others), tensor: gone.length === 0 ? operand : sum(operand, gone) };
  });
  if (!b) return ordered(a.tensor, a.letters, result);

  const batch = keep(keep(a.letters, b.letters), result);
  const contracted = [...a.letters].filter((l) => b.letters.includes(l) && !result.includes(l)).join("");
  const rows = [...a.letters].filter((letter) => !b.letters.includes(letter)).join("");
  const columns = [...b.letters].filter((letter) => !a.letters.includes(letter)).join("");
  const matrix = ({ tensor, letters }: { tensor: Tensor; letters: string }, first: string, second: string) =>
    reshape(ordered(tensor, letters, batch + first + second), [
      ...size(batch),
      sizeOf(size(first)),
      sizeOf(size(second)),
    ]);
  const product = matmul(matrix(a, rows, contracted), matrix(b, contracted, columns));
  return ordered(reshape(product, size(batch + rows + columns)), batch + rows + columns, result);
}

function ordered(tensor: Tensor, from: string, to: string): Tensor {
  const order = [...to].map((letter) => from.indexOf(letter));
  return order.every((axis, place) => axis === place) ? tensor : transpose(tensor, order);
}
