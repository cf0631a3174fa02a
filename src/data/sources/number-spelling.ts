/**
 * Numbers as people and spreadsheets write them: `4,567.80`, `4.567,80`, `1'234.5`, `$12.50`, and volumes as `2.13B`. What says
 * nothing for certain is not guessed: `1,234` alone may be one thousand or one and a bit.
 */

export type DecimalMark = "." | ",";

/** A number of digits, marks and blanks between digits, once sign, currency and unit are off. */
const bare = /^\d[\d.,'’\u00a0\u202f ]*$/;
/** No group begins with a zero. */
const ambiguous = /^[1-9]\d{0,2},\d{3}$/;
const currency = /^[$€£¥]\s*|\s*[$€£¥]$/g;
const units: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

/**
 * The decimal mark that cells are written with, as far as they show it; a point when they contradict each other, so that reading
 * stops at the first comma.
 *
 * @example
 * decimalMarkOf(["1.234,50", "12,5"]); // => ","
 */
export function decimalMarkOf(cells: Iterable<string>): DecimalMark | undefined {
  const shown = new Set<DecimalMark>();
  let hinted: DecimalMark | undefined;
  let isOpen = false;
  for (const cell of cells) {
    const { digits } = stripped(cell, true);
    const mark = markOf(digits);
    // Three decimals are common, but in a file with decimal commas 1.234 is more than a thousand.
    if (/^[1-9]\d{0,2}\.\d{3}$/.test(digits)) hinted = mark;
    else if (mark !== undefined) shown.add(mark);
    else if (ambiguous.test(digits)) isOpen = true;
  }
  const [mark] = shown;
  if (shown.size > 1) return ".";
  return mark ?? (isOpen ? undefined : hinted);
}

/** Whether a cell is a number that has another value with the other decimal mark. */
export function isAmbiguous(cell: string): boolean {
  return ambiguous.test(stripped(cell, true).digits);
}

/**
 * The mark that a cell is read with in a file that shows none: a point, unless its comma may be either, when reading stops. A comma that
 * comes late in a file is not taken for the mark of what was read before.
 */
export function markWithout(cell: string): DecimalMark | undefined {
  return isAmbiguous(cell) ? undefined : ".";
}

/**
 * The number that a cell spells, or undefined.
 *
 * @param mark undefined when it is not known; then only a cell that shows it by itself is read
 * @param units whether the cell may end with K, M, B or T for thousand to trillion
 * @example
 * spelledNumber("$4,567.80", "."); // => 4567.8
 */
export function spelledNumber(
  cell: string,
  mark: DecimalMark | undefined,
  { units: withUnits = false }: { readonly units?: boolean } = {},
): number | undefined {
  const { sign, digits, factor, exponent } = stripped(cell, withUnits);
  if (!bare.test(digits)) return undefined;
  const decimal = mark ?? markOf(digits) ?? (/[.,]/.test(digits) ? undefined : ".");
  if (decimal === undefined) return undefined;
  const parts = digits.split(decimal);
  if (parts.length > 2) return undefined;
  const [whole, fraction = ""] = parts;
  const plain = withoutGroups(whole, decimal);
  if (plain === undefined || /\D/.test(fraction)) return undefined;
  return sign * factor * Number(`${plain}.${fraction}${exponent}`);
}

/** Digits without the marks between groups of three; undefined when they stand elsewhere, or differ. */
function withoutGroups(whole: string, decimal: DecimalMark): string | undefined {
  if (/^\d+$/.test(whole)) return whole;
  const group = /\D/.exec(whole)?.[0] ?? "";
  if (group === decimal) return undefined;
  const groups = whole.split(group);
  const right = groups.every((digits, at) => (at === 0 ? /^[1-9]\d{0,2}$/ : /^\d{3}$/).test(digits));
  return right ? groups.join("") : undefined;
}

/** The decimal mark that a number shows by itself. */
function markOf(digits: string): DecimalMark | undefined {
  if (!bare.test(digits)) return undefined;
  const [points, commas] = [count(digits, "."), count(digits, ",")];
  if (points > 0 && commas > 0) return digits.lastIndexOf(".") > digits.lastIndexOf(",") ? "." : ",";
  if (points > 1) return ",";
  if (commas > 1) return ".";
  if (points === 1) return ".";
  return commas === 1 && !ambiguous.test(digits) ? "," : undefined;
}

interface Stripped {
  readonly sign: 1 | -1;
  readonly digits: string;
  readonly factor: number;
  /** As `e-05`, or nothing. */
  readonly exponent: string;
}

function stripped(cell: string, withUnits: boolean): Stripped {
  let text = cell.trim();
  const sign = text.startsWith("-") ? -1 : 1;
  text = text.replace(/^[+-]\s*/, "").replace(currency, "");
  const scientific = /^(\d[\d.,]*)(e[-+]?\d{1,3})$/i.exec(text);
  if (scientific !== null) return { sign, digits: scientific[1], factor: 1, exponent: scientific[2] };
  const unit = withUnits ? /^(.*\d)\s*([kmbt])$/i.exec(text) : null;
  if (unit === null) return { sign, digits: text, factor: 1, exponent: "" };
  return { sign, digits: unit[1], factor: units[unit[2].toLowerCase()], exponent: "" };
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1;
}
