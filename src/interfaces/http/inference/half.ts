/** Half precision (IEEE 754 binary16), which JavaScript has no array for on Node 20. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The bits of the half that is nearest to a number, ties to even.
 *
 * @example
 * toHalf(1); // => 15360
 */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00; // halfway to the number behind the largest one, 65504
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24); // below the smallest normal one: steps of 2^-24
  const exponent = exponentOf(size);
  const fraction = roundToEven((size / 2 ** exponent - 1) * 1024); // 1024 carries into the exponent, as it should
  return sign | (((exponent + 15) << 10) + fraction);
}

/**
 * The number that the bits of a half stand for.
 *
 * @example
 * fromHalf(15360); // => 1
 */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The exponent of a number that is normal in single precision; rounding to it may carry, and never to a wrong half. */
function exponentOf(size: number): number {
  float[0] = size;
  const exponent = (bits[0] >>> 23) - 127;
  return size < 2 ** exponent ? exponent - 1 : exponent;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
