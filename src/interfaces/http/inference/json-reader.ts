/**
 * Reads JSON (RFC 8259) from bytes, so that the numbers of a tensor go straight into its memory. `JSON.parse` would first make a text of
 * the body, then an array of boxed numbers, and only then could they be copied: most of what a request costs this thread.
 */
import { PlatformError } from "../../../base/index.ts";
import { readJsonBody } from "../body.ts";
import { messages } from "./messages.ts";

export const code = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  openArray: 0x5b,
  backslash: 0x5c,
  closeArray: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

export class JsonReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The next byte that is no space, which is not taken; NaN at the end. */
  peek(): number {
    const { bytes } = this;
    for (;;) {
      const byte = bytes[this.at];
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) this.at++;
      else return byte ?? Number.NaN;
    }
  }

  take(byte: number): void {
    if (this.peek() !== byte) this.fail(`${JSON.stringify(String.fromCharCode(byte))}`);
    this.at++;
  }

  /** Takes a byte if it is the next one. */
  takes(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** Calls `member` for each member of an object, at its value, which it has to take. */
  object(member: (name: string) => void): void {
    this.take(code.openObject);
    if (this.takes(code.closeObject)) return;
    do {
      if (this.peek() !== code.quote) this.fail("the name of a field");
      const name = this.string();
      this.take(code.colon);
      member(name);
    } while (this.takes(code.comma));
    this.take(code.closeObject);
  }

  /** Calls `item` for each item of an array, at its value, which it has to take. */
  array(item: (index: number) => void): void {
    this.take(code.openArray);
    if (this.takes(code.closeArray)) return;
    let index = 0;
    do item(index++);
    while (this.takes(code.comma));
    this.take(code.closeArray);
  }

  string(): string {
    const from = this.at;
    this.skipString();
    const { bytes } = this;
    let plain = true;
    for (let i = from + 1; i < this.at - 1 && plain; i++)
      plain = bytes[i] !== code.backslash && bytes[i] >= 0x20;
    if (plain) return bytes.toString("utf8", from + 1, this.at - 1);
    return this.parse(from) as string;
  }

  /** Any value. Keys that could reach an object's prototype are refused, as in every other body. */
  value(): unknown {
    this.peek();
    const from = this.at;
    this.skip();
    return this.parse(from);
  }

  /** Goes behind a value without reading it. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === code.quote) this.skipString();
      else if (byte === code.openArray || byte === code.openObject) {
        depth++;
        this.at++;
      } else if (byte === code.closeArray || byte === code.closeObject) {
        if (depth === 0) this.fail("a value");
        depth--;
        this.at++;
      } else if (byte === code.comma || byte === code.colon) {
        if (depth === 0) this.fail("a value");
        this.at++;
      } else this.skipWord();
    } while (depth > 0);
  }

  end(): void {
    if (!Number.isNaN(this.peek())) this.fail(messages.endOfBody);
  }

  /** @throws PlatformError `INPUT_INVALID` with the place of what was found instead */
  fail(expected: string): never {
    const { at, bytes } = this;
    const found =
      at >= bytes.length ? messages.endOfBody : JSON.stringify(bytes.toString("utf8", at, at + 12));
    throw new PlatformError("input", "INPUT_INVALID", messages.notAt(at, expected, found));
  }

  private parse(from: number): unknown {
    return readJsonBody(this.bytes.toString("utf8", from, this.at));
  }

  private skipString(): void {
    const { bytes } = this;
    let i = this.at + 1;
    for (;;) {
      const end = bytes.indexOf(code.quote, i);
      if (end < 0) {
        this.at = bytes.length;
        this.fail(messages.endOfText);
      }
      let slashes = 0;
      while (bytes[end - 1 - slashes] === code.backslash && end - 1 - slashes >= i) slashes++;
      i = end + 1;
      if (slashes % 2 === 0) break;
    }
    this.at = i;
  }

  /** A number, true, false or null; whether it is one is for whoever reads it. */
  private skipWord(): void {
    const from = this.at;
    const { bytes } = this;
    for (let byte = bytes[this.at]; isOfWord(byte); byte = bytes[this.at]) this.at++;
    if (this.at === from) this.fail("a value");
  }
}

function isOfWord(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45 ||
    (byte >= 0x41 && byte <= 0x5a)
  );
}
