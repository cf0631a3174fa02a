/** Says what a file is from its first bytes, since names lie: `prices.csv` may be gzip, and `prices.parquet` a picture. */
import { PlatformError } from "../../base/index.ts";

export type TableFormat = "csv" | "json" | "parquet";

/** First bytes of what people pass by mistake. */
const foreign: readonly (readonly [magic: readonly number[], what: string])[] = [
  [[0x89, 0x50, 0x4e, 0x47], "a PNG image"],
  [[0xff, 0xd8, 0xff], "a JPEG image"],
  [[0x47, 0x49, 0x46, 0x38], "a GIF image"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF document"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive or an Excel workbook (save it as CSV)"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook (save it as CSV)"],
  [[0x1f, 0x8b], "gzip inside gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a zstd file (unpack it first)"],
  [[0x42, 0x5a, 0x68], "a bzip2 file (unpack it first)"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz file (unpack it first)"],
  [[0x7f, 0x45, 0x4c, 0x46], "a program (ELF)"],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], "a SQLite database"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file"],
  [[0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], "an Arrow file (save it as Parquet)"],
  [[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], "a NumPy array"],
  [[0xff, 0xfe], "UTF-16 text (save it as UTF-8)"],
  [[0xfe, 0xff], "UTF-16 text (save it as UTF-8)"],
];

const whitespace = new Set([0x09, 0x0a, 0x0d, 0x20]);

/**
 * The format of a table by its first bytes.
 *
 * @throws PlatformError `DATA_NOT_A_TABLE` saying what the bytes look like, when they are not text and not Parquet
 */
export function sniffFormat(head: Buffer, name: string): TableFormat {
  if (startsWith(head, [0x50, 0x41, 0x52, 0x31])) return "parquet";
  const what = foreign.find(([magic]) => startsWith(head, magic))?.[1] ?? binaryText(head);
  if (what !== undefined) {
    throw new PlatformError(
      "input",
      "DATA_NOT_A_TABLE",
      `${name}: expected CSV, JSON or Parquet, received what looks like ${what}`,
      { file: name },
    );
  }
  if (/\.parquet$/i.test(name)) {
    throw new PlatformError(
      "input",
      "DATA_NOT_A_TABLE",
      `${name}: expected a Parquet file, received text that does not begin with PAR1`,
      { file: name },
    );
  }
  const first = head.subarray(textStart(head)).find((byte) => !whitespace.has(byte));
  return first === 0x5b || first === 0x7b ? "json" : "csv"; // [ or {
}

/** Where text begins: after the byte order mark of UTF-8, if there is one. */
export function textStart(head: Uint8Array): number {
  return startsWith(head, [0xef, 0xbb, 0xbf]) ? 3 : 0;
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

function binaryText(head: Buffer): string | undefined {
  const nul = head.indexOf(0);
  if (nul >= 0) return `binary data (a NUL byte at offset ${nul})`;
  try {
    // `stream` lets the head end inside a character.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return undefined;
  } catch {
    return "binary data, or text that is not UTF-8 (save it as UTF-8)";
  }
}
