/** Decimal numbers read straight from bytes: a string per cell would cost more than everything else together. */

const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const largestExact = 2 ** 53;

/** What stands for "no value" in the files that people have; letter case and blanks do not count. */
const missingWords = new Set([
  "",
  "na",
  "n/a",
  "#n/a",
  "nan",
  "-nan",
  "null",
  "none",
  "nil",
  "nat",
  "-",
  "--",
  ".",
]);

/**
 * The number that a cell holds, or NaN when it holds none; `classifyCell` then says why.
 *
 * The result is the correctly rounded one: a mantissa below 2^53 and a power of ten up to 22 are both exact, so one division
 * rounds once (Clinger 1990); everything else goes through `Number`.
 *
 * @param mark the byte of the decimal mark
 */
export function parseNumber(bytes: Buffer, start: number, end: number, mark = 0x2e): number {
  while (start < end && bytes[start] <= 0x20) start++;
  while (end > start && bytes[end - 1] <= 0x20) end--;
  if (start === end) return Number.NaN;
  let at = start;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  let mantissa = 0;
  const wholeStart = at;
  for (; at < end && isDigit(bytes[at]); at++) mantissa = mantissa * 10 + (bytes[at] - 0x30);
  const digits = at - wholeStart;
  let decimals = 0;
  if (at < end && bytes[at] === mark) {
    const fractionStart = ++at;
    for (; at < end && isDigit(bytes[at]); at++) mantissa = mantissa * 10 + (bytes[at] - 0x30);
    decimals = at - fractionStart;
  }
  if (digits + decimals === 0) return Number.NaN;
  if (at === end && mantissa < largestExact && decimals <= 22) {
    const value = mantissa / powersOfTen[decimals];
    return sign === 0x2d ? -value : value;
  }
  // Only an exponent may follow; Number alone would also take 0x10.
  if (at < end && bytes[at] !== 0x65 && bytes[at] !== 0x45) return Number.NaN;
  const value = Number(bytes.toString("latin1", start, end));
  return Number.isFinite(value) ? value : Number.NaN;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Why a cell is no finite number: it is empty by convention, infinite (or too large for a double), or some other text. */
export function classifyCell(text: string): "missing" | "infinite" | "text" {
  const word = text.trim().toLowerCase();
  if (missingWords.has(word)) return "missing";
  if (/^[+-]?(inf(inity)?|∞)$/.test(word)) return "infinite";
  if (word !== "" && /^[+-]?[\d.]+(e[+-]?\d+)?$/.test(word) && Math.abs(Number(word)) === Infinity)
    return "infinite";
  return "text";
}

/** A cell as it is shown in a message: short, on one line, with control characters written out. */
export function shownCell(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
