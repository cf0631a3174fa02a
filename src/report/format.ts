/** Numbers and texts as a reader sees them. One language, so that the same values give the same page everywhere. */

/** A text that is safe inside an element and inside a quoted attribute. Control characters, which XML forbids, are dropped. */
export function escapeText(text: string): string {
  return Array.from(text.normalize("NFC"), (character) => {
    const code = character.codePointAt(0)!;
    const forbidden =
      (code < 0x20 && code !== 9 && code !== 10) || (code >= 0xd800 && code <= 0xdfff) || code === 0x7f;
    return forbidden ? "" : (entities[character] ?? character);
  }).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A text as HTML that never breaks inside a date, between a number and its percent sign, or within `p = 0.05`.
 *
 * @example
 * unbroken("to 2023-12-27"); // => 'to <span class="whole">2023-12-27</span>'
 */
export function unbroken(text: string): string {
  return escapeText(text)
    .replace(/\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?/g, '<span class="whole">$&</span>')
    .replace(/(?<=\d) (?=%)|(?<=\bp) (?== )|(?<=\bp =) /g, "\u00a0");
}

/**
 * Digits after the decimal point that a column of numbers shares, so that its smallest number has four significant ones.
 *
 * @returns undefined when all are whole, or so far apart that one number of digits cannot serve them
 * @example
 * sharedDigits([0.014, 0.01412]); // => 5
 */
export function sharedDigits(values: readonly number[]): number | undefined {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  if (sizes.every(Number.isInteger)) return undefined;
  // As it is rounded: 0.099999 has the digits of 0.1.
  const power = (size: number) => Math.floor(Math.log10(Number(size.toPrecision(4))));
  const digits = Math.max(0, 3 - power(Math.min(...sizes)));
  return digits <= 8 ? digits : undefined;
}

/**
 * A number for a table or a label: thousands separators, a true minus sign, `–` for NaN.
 *
 * @param digits after the decimal point; without it, four significant digits, whole numbers in full
 * @example
 * formatNumber(1234567.891, 1); // => "1,234,567.9"
 */
export function formatNumber(value: number, digits?: number): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (digits === undefined && size !== 0 && !Number.isInteger(value) && (size < 1e-4 || size >= 1e9)) {
    return scientific(value);
  }
  const options: Intl.NumberFormatOptions =
    digits !== undefined
      ? { minimumFractionDigits: digits, maximumFractionDigits: digits }
      : Number.isInteger(value)
        ? { maximumFractionDigits: 0 }
        : { maximumSignificantDigits: size >= 1000 ? Math.ceil(Math.log10(size)) : 4 };
  const text = new Intl.NumberFormat("en-US", options).format(value);
  return text.replace(/^-(?=0[.0]*$)/, "").replace("-", "−");
}

function scientific(value: number): string {
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return `${mantissa.replace("-", "−")}e${exponent.replace("+", "").replace("-", "−")}`;
}

/** The words of a text in lines that are at most `width` pixels wide, as far as words are not longer than that. */
export function wrapText(text: string, fontSize: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, fontSize) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Rough width in pixels of a text in the report's sans-serif face; a little too wide rather than too narrow. */
export function textWidth(text: string, fontSize: number): number {
  let em = 0;
  for (const character of text) {
    em += /[A-Z%@MWmw—]/.test(character) ? 0.8 : /[.,:;'|ijl ()]/.test(character) ? 0.38 : 0.62;
  }
  return em * fontSize;
}
