/**
 * Tar files as a stream, written and read: POSIX.1-2001 (pax) headers for names that the old header has no room for, so that any
 * tar program opens them. Nothing of a file is kept in memory.
 */
import { PlatformError } from "../../base/index.ts";

const block = 512;
const zeros = Buffer.alloc(block);

/** The header of an entry. Its content follows, filled up by `padding`. */
export function header(name: string, size: number, mode = 0o600): Buffer {
  const plain = /^[\x20-\x7e]{1,100}$/.test(name) && size < 8 ** 11;
  if (plain) return ustar(name, size, mode, "0");
  const extended = Buffer.from(`${record("path", name)}${record("size", String(size))}`);
  return Buffer.concat([
    ustar("pax", extended.length, mode, "x"),
    extended,
    padding(extended.length),
    ustar("entry", Math.min(size, 8 ** 11 - 1), mode, "0"),
  ]);
}

export const padding = (size: number): Buffer => zeros.subarray(0, (block - (size % block)) % block);
/** What ends a tar file. */
export const end: Buffer = Buffer.alloc(2 * block);

/** `length key=value\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function ustar(name: string, size: number, mode: number, type: string): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  bytes.write(name, 0, 100);
  bytes.write(octal(mode, 7), 100);
  bytes.write(octal(0, 7), 108);
  bytes.write(octal(0, 7), 116);
  bytes.write(octal(size, 11), 124);
  bytes.write(octal(0, 11), 136);
  bytes.write(" ".repeat(8), 148); // the sum counts itself as spaces
  bytes.write(type, 156);
  bytes.write("ustar\u000000", 257);
  bytes.write(
    `${octal(
      bytes.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return bytes;
}

export interface TarEntry {
  readonly name: string;
  readonly size: number;
  /** Has to be read, or left, before the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The entries of a tar file, in order.
 *
 * @param where what to call it in a message
 * @throws PlatformError `BACKUP_BROKEN` when it is none, or was cut
 */
export async function* entries(source: AsyncIterable<Buffer>, where: string): AsyncGenerator<TarEntry> {
  const input = source[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);
  const broken = (found: string) =>
    new PlatformError("conflict", "BACKUP_BROKEN", `${where}: expected a whole backup, found ${found}`, {
      file: where,
    });
  const more = async () => {
    const { value, done } = await input.next();
    if (done) throw broken("its end too early");
    buffer = buffer.length === 0 ? value : Buffer.concat([buffer, value]);
  };
  const take = async (count: number) => {
    while (buffer.length < count) await more();
    const taken = buffer.subarray(0, count);
    buffer = buffer.subarray(count);
    return taken;
  };
  let extended: { path?: string; size?: number } = {};
  for (;;) {
    const bytes = await take(block);
    if (bytes.equals(zeros)) return;
    if (bytes.toString("latin1", 257, 262) !== "ustar") throw broken("something else");
    const text = (from: number, length: number) =>
      bytes.toString("latin1", from, from + length).split("\0")[0];
    const size = extended.size ?? Number.parseInt(text(124, 12), 8);
    if (!Number.isSafeInteger(size)) throw broken("a damaged header");
    if (text(156, 1) === "x") {
      extended = readRecords((await take(size)).toString("utf8"));
      await take(padding(size).length);
      continue;
    }
    let left = size;
    async function* content(): AsyncGenerator<Buffer> {
      while (left > 0) {
        if (buffer.length === 0) await more();
        const piece = buffer.subarray(0, left);
        buffer = buffer.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    }
    yield { name: extended.path ?? text(0, 100), size, content: content() };
    for await (const _ of content()); // what the reader has left
    await take(padding(size).length);
    extended = {};
  }
}

function readRecords(text: string): { path?: string; size?: number } {
  const values = new Map([...text.matchAll(/\d+ (path|size)=(.*)\n/g)].map(([, key, value]) => [key, value]));
  const [path, size] = [values.get("path"), values.get("size")];
  return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { size: Number(size) }) };
}
