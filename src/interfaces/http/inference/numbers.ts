/**
 * Numbers of JSON, straight into an array of floats. One loop and no function that answers with a number, since V8 puts every such
 * answer into an object of its own: a thousand of them for a request were most of what the garbage collector had to do.
 */
import { code, type JsonReader } from "./json-reader.ts";

/** Powers of ten that a double holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits that a double holds exactly, whatever they are. */
const exactDigits = 15;
/** Digits that a whole number of 32 bits holds. */
const headDigits = 9;

/**
 * Reads the numbers of a list up to where no comma follows.
 *
 * Where digits and exponent are small, one multiplication or division of two exact doubles rounds once and is therefore right (Clinger
 * 1990, "How to read floating point numbers accurately"). Of longer numbers that become FP32, the first 15 digits leave a narrow
 * interval; where both its ends round to the same float, so does what lies between. Everything else is read by the language itself.
 *
 * @param from where the first number goes
 * @param single whether the array holds FP32
 * @param tooLarge what to do about a number that the array cannot hold, by its place
 * @returns how many numbers there are; one more than fit where there are more
 */
export function readFloats(
  reader: JsonReader,
  values: Float32Array | Float64Array,
  from: number,
  single: boolean,
  tooLarge: (at: number) => never,
): number {
  const { bytes } = reader;
  const { length } = values;
  let i = reader.at;
  let at = from;
  for (;;) {
    let byte = bytes[i];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++i];
    if (at === length) {
      reader.at = i;
      return at - from + 1;
    }
    const start = i;
    const negative = byte === code.minus;
    if (negative) byte = bytes[++i];
    const first = byte;
    // Two whole numbers of 32 bits, since the processor is several times as fast at them: 9 digits, and the 6 behind them.
    let head = 0;
    let tail = 0;
    let digits = 0;
    let exponent = 0;
    let cut = false;
    const whole = i;
    while (byte >= code.zero && byte <= code.nine) {
      if (digits < headDigits) {
        head = (head * 10 + (byte - code.zero)) | 0;
        if (head !== 0) digits++;
      } else if (digits < exactDigits) {
        tail = (tail * 10 + (byte - code.zero)) | 0;
        digits++;
      } else {
        cut = true;
        exponent++;
      }
      byte = bytes[++i];
    }
    if (i === whole || (first === code.zero && i - whole > 1)) notANumber(reader, start);
    if (byte === code.point) {
      const fraction = ++i;
      byte = bytes[i];
      while (byte >= code.zero && byte <= code.nine) {
        if (digits < headDigits) {
          head = (head * 10 + (byte - code.zero)) | 0;
          exponent--;
          if (head !== 0) digits++;
        } else if (digits < exactDigits) {
          tail = (tail * 10 + (byte - code.zero)) | 0;
          exponent--;
          digits++;
        } else cut = true;
        byte = bytes[++i];
      }
      if (i === fraction) notANumber(reader, start);
    }
    if (byte === 0x65 || byte === 0x45) {
      byte = bytes[++i];
      const below = byte === code.minus;
      if (below || byte === 0x2b) byte = bytes[++i];
      const power = i;
      let written = 0;
      while (byte >= code.zero && byte <= code.nine) {
        if (written < 100_000) written = written * 10 + (byte - code.zero);
        byte = bytes[++i];
      }
      if (i === power) notANumber(reader, start);
      exponent += below ? -written : written;
    }
    let exact = false;
    if (exponent >= -22 && exponent <= 22) {
      const mantissa = digits > headDigits ? head * powers[digits - headDigits] + tail : head;
      const value = exponent < 0 ? mantissa / powers[-exponent] : mantissa * powers[exponent];
      if (!cut) exact = true;
      else if (single) {
        const above = exponent < 0 ? (mantissa + 1) / powers[-exponent] : (mantissa + 1) * powers[exponent];
        exact = Math.fround(value) === Math.fround(above);
      }
      if (exact) values[at] = negative ? -value : value;
    }
    if (!exact) values[at] = Number(bytes.toString("latin1", start, i));
    if (values[at] - values[at] !== 0) tooLarge(at); // infinite
    at++;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++i];
    if (byte !== code.comma) break;
    i++;
  }
  reader.at = i;
  return at - from;
}

/** The number at the reader, alone; infinite where it is too large for a double. */
export function readNumber(reader: JsonReader): number {
  reader.peek();
  const { bytes, at } = reader;
  let i = at;
  for (let byte = bytes[i]; isOfNumber(byte); byte = bytes[i]) i++;
  const word = bytes.toString("latin1", at, i);
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word)) notANumber(reader, at);
  reader.at = i;
  return Number(word);
}

function isOfNumber(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= code.zero && byte <= code.nine) ||
    byte === code.minus ||
    byte === code.point ||
    byte === 0x2b ||
    byte === 0x45 ||
    byte === 0x65
  );
}

function notANumber(reader: JsonReader, at: number): never {
  reader.at = at;
  return reader.fail("a number");
}
