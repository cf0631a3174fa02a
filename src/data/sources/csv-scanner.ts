/**
 * A streaming CSV tokeniser (RFC 4180: quotes, doubled quotes, line breaks inside quotes) that works on bytes and makes no
 * strings. It stands beside DuckDB's reader, which the other formats use, because a message must name the exact line
 * of any row, also after blank lines and quoted line breaks, and DuckDB does not tell the line of a row it accepts; in return
 * one pass hashes, unpacks and parses the file.
 */
import { PlatformError } from "../../base/index.ts";

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const longestRow = 1 << 24;

/** One row; the arrays are reused, so a reader takes what it needs at once. */
export interface CsvRow {
  bytes: Buffer;
  /** Cell `i` is `bytes[starts[i] .. ends[i])`, without its quotes. */
  starts: Int32Array;
  ends: Int32Array;
  /** 1 where a cell holds doubled quotes, which `cellText` makes single. */
  escaped: Uint8Array;
  count: number;
  /** Line on which the row begins; the first line of the file is 1. */
  line: number;
}

/** The text of a cell, without surrounding blanks. */
export function cellText(row: CsvRow, index: number): string {
  const text = row.bytes.toString("utf8", row.starts[index], row.ends[index]).trim();
  return row.escaped[index] === 1 ? text.replaceAll('""', '"') : text;
}

export class CsvScanner {
  readonly #name: string;
  readonly #delimiter: number;
  readonly #onRow: (row: CsvRow) => void;
  readonly #row: CsvRow = {
    bytes: Buffer.alloc(0),
    starts: new Int32Array(64),
    ends: new Int32Array(64),
    escaped: new Uint8Array(64),
    count: 0,
    line: 0,
  };
  #rest: Buffer = Buffer.alloc(0);
  #line = 1;
  /** Lines without any character; they are skipped. */
  blankLines = 0;

  constructor(name: string, delimiter: number, onRow: (row: CsvRow) => void) {
    this.#name = name;
    this.#delimiter = delimiter;
    this.#onRow = onRow;
  }

  /** Takes the next bytes and reports each row that ends in them. */
  push(chunk: Buffer): void {
    this.#scan(chunk, false);
  }

  /** Says that no bytes follow: the last row needs no line end. */
  end(): void {
    this.#scan(Buffer.alloc(0), true);
  }

  #scan(chunk: Buffer, last: boolean): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const done = this.#rows(bytes, last);
    this.#rest = bytes.subarray(done);
    if (this.#rest.length > longestRow) {
      throw this.#malformed(`expected a row of at most ${longestRow >> 20} MiB, received a longer one`);
    }
  }

  /** Reports all whole rows and returns where the first row begins that does not end within `bytes`. */
  #rows(bytes: Buffer, last: boolean): number {
    const row = this.#row;
    const delimiter = this.#delimiter;
    const end = bytes.length;
    let { starts, ends, escaped } = row;
    row.bytes = bytes;
    let at = 0;
    while (at < end) {
      const rowStart = at;
      let count = 0;
      let breaks = 0; // line ends inside quotes
      for (;;) {
        if (count === starts.length) {
          this.#grow();
          ({ starts, ends, escaped } = row);
        }
        let byte = bytes[at];
        if (byte === space) {
          let ahead = at;
          while (bytes[ahead] === space) ahead++;
          if (bytes[ahead] === quote) {
            at = ahead;
            byte = quote;
          }
        }
        escaped[count] = 0;
        if (byte === quote) {
          starts[count] = ++at;
          for (;;) {
            for (; at < end && bytes[at] !== quote; at++) {
              byte = bytes[at];
              if (byte === lineFeed || (byte === carriageReturn && bytes[at + 1] !== lineFeed)) breaks++;
            }
            if (at + 1 < end && bytes[at + 1] === quote) {
              escaped[count] = 1;
              at += 2;
              continue;
            }
            break;
          }
          if (at >= end || (at + 1 === end && !last)) {
            if (!last) return rowStart; // the closing quote may be doubled by the next byte
            throw this.#malformed("expected a closing quote, received the end of the file");
          }
          ends[count++] = at++;
          while (at < end && bytes[at] === space) at++;
          byte = bytes[at];
          if (at < end && byte !== delimiter && byte !== lineFeed && byte !== carriageReturn) {
            throw this.#malformed(
              `field ${count}: expected a separator or a line end after a closing quote, received other text`,
            );
          }
        } else {
          starts[count] = at;
          for (; at < end; at++) {
            byte = bytes[at];
            if (byte === delimiter || byte === lineFeed || byte === carriageReturn) break;
          }
          ends[count++] = at;
        }
        if (at < end && bytes[at] === delimiter) {
          at++;
          continue;
        }
        break;
      }
      if (!last && (at >= end || (bytes[at] === carriageReturn && at + 1 === end))) return rowStart;
      if (at < end) at += bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? 2 : 1;
      if (count === 1 && starts[0] === ends[0] && breaks === 0) {
        this.blankLines++;
      } else {
        row.count = count;
        row.line = this.#line;
        this.#onRow(row);
      }
      this.#line += 1 + breaks;
    }
    return at;
  }

  #grow(): void {
    const row = this.#row;
    const grown = <T extends Int32Array | Uint8Array>(old: T, bigger: T): T => {
      bigger.set(old);
      return bigger;
    };
    const size = row.starts.length * 2;
    row.starts = grown(row.starts, new Int32Array(size));
    row.ends = grown(row.ends, new Int32Array(size));
    row.escaped = grown(row.escaped, new Uint8Array(size));
  }

  #malformed(problem: string): PlatformError {
    return new PlatformError("input", "DATA_ROW_MALFORMED", `${this.#name} line ${this.#line}: ${problem}`, {
      file: this.#name,
      line: this.#line,
    });
  }
}

/**
 * The separator of a file: the one that its first line names as Excel does (`sep=;`), or of comma, semicolon, tab and bar the one
 * that is most frequent in the first line, outside quotes.
 */
export function detectDelimiter(head: Uint8Array): number {
  const named = /^\ufeff?"?sep=([^\r\n])"?\r?\n/i.exec(Buffer.from(head.subarray(0, 16)).toString("utf8"));
  if (named !== null) return named[1].charCodeAt(0);
  const candidates = [0x2c, 0x3b, 0x09, 0x7c];
  const counts = candidates.map(() => 0);
  let quoted = false;
  for (const byte of head) {
    if (byte === quote) quoted = !quoted;
    else if (!quoted && (byte === lineFeed || byte === carriageReturn)) {
      if (counts.some((count) => count > 0)) break;
    } else if (!quoted) {
      const index = candidates.indexOf(byte);
      if (index >= 0) counts[index]++;
    }
  }
  return candidates[counts.indexOf(Math.max(...counts))];
}
