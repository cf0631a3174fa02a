/**
 * The bytes of a source as a stream: a file, standard input or bytes in memory, unpacked when they are gzip, with the
 * SHA-256 of what was stored. Nothing is ever held whole, so the size of a file costs time and not memory.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { PlatformError, throwIfAborted } from "../../base/index.ts";

/** Where bytes come from: a path or `-` for standard input, unless the bytes are given. */
export interface ByteSource {
  readonly path: string;
  readonly bytes?: Uint8Array;
}

export interface OpenedBytes {
  /** What to call the source in a message. */
  readonly name: string;
  /** The first bytes after unpacking: 256 KiB, or all when there are fewer. */
  readonly head: Buffer;
  /** Whether `head` is everything. */
  readonly headIsAll: boolean;
  readonly gzip: boolean;
  /** The path, when the bytes lie in a file exactly as `chunks` yields them. */
  readonly plainPath: string | null;
  /** Everything after unpacking, `head` included; may be read once. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** SHA-256 of the stored bytes, hexadecimal, once `chunks` has ended. */
  fingerprint(): string;
  /** Lets go of the file, also when `chunks` was not read to its end. */
  close(): Promise<void>;
}

const headBytes = 1 << 18;
const chunkBytes = 1 << 20;

/**
 * Opens a source and reads its first bytes.
 *
 * @throws PlatformError `DATA_FILE_MISSING`, `DATA_NOT_A_FILE`, `DATA_FILE_FORBIDDEN`, `DATA_EMPTY_FILE`, `DATA_CORRUPT`
 */
export async function openBytes(source: ByteSource, signal?: AbortSignal): Promise<OpenedBytes> {
  const name = source.path === "-" ? "standard input" : source.path;
  if (source.bytes === undefined && source.path !== "-") await checkFile(source.path);
  const raw = stored(source, name);
  try {
    return await describeBytes(source, name, raw, signal);
  } catch (error) {
    await raw.return(undefined);
    throw error;
  }
}

async function describeBytes(
  source: ByteSource,
  name: string,
  raw: AsyncGenerator<Buffer>,
  signal: AbortSignal | undefined,
): Promise<OpenedBytes> {
  const hash = createHash("sha256");
  let storedBytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of raw) {
      throwIfAborted(signal, `reading ${name}`);
      storedBytes += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  }
  const [first, plain] = await peek(counted(), 2);
  if (storedBytes === 0) {
    throw new PlatformError(
      "input",
      "DATA_EMPTY_FILE",
      `${name}: expected a header and rows, received 0 bytes`,
      {
        file: name,
      },
    );
  }
  const gzip = first[0] === 0x1f && first[1] === 0x8b;
  const [head, chunks] = await peek(gzip ? unpacked(plain, name) : plain, headBytes);
  if (head.length === 0) {
    throw new PlatformError(
      "input",
      "DATA_EMPTY_FILE",
      `${name}: expected a header and rows, received a gzip file of 0 bytes`,
      { file: name },
    );
  }
  return {
    name,
    head,
    headIsAll: head.length < headBytes,
    gzip,
    plainPath: gzip || source.bytes !== undefined || source.path === "-" ? null : source.path,
    chunks,
    fingerprint: () => hash.digest("hex"),
    close: async () => {
      await raw.return(undefined);
    },
  };
}

async function checkFile(path: string): Promise<void> {
  const failed = (error: unknown): never => {
    throw systemError(path, error);
  };
  const info = await stat(path).catch(failed);
  if (info.isDirectory()) {
    throw new PlatformError("input", "DATA_NOT_A_FILE", `${path}: expected a file, received a folder`, {
      file: path,
    });
  }
  await access(path, constants.R_OK).catch(failed);
}

/** What the system said about a path, as an error that the caller can act on. */
function systemError(path: string, cause: unknown): PlatformError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
  const place = { file: path, cause };
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new PlatformError("missing", "DATA_FILE_MISSING", `${path}: there is no such file`, place);
  }
  if (code === "EACCES" || code === "EPERM") {
    return new PlatformError(
      "forbidden",
      "DATA_FILE_FORBIDDEN",
      `${path}: expected a file that this user may read, received ${code}`,
      place,
    );
  }
  return new PlatformError("unavailable", "DATA_READ_FAILED", `${path}: could not be read (${code})`, place);
}

async function* stored(source: ByteSource, name: string): AsyncGenerator<Buffer> {
  if (source.bytes !== undefined) {
    const { buffer, byteOffset, length } = source.bytes;
    for (let at = 0; at < length; at += chunkBytes) {
      yield Buffer.from(buffer, byteOffset + at, Math.min(chunkBytes, length - at));
    }
    return;
  }
  const stream =
    source.path === "-" ? process.stdin : createReadStream(source.path, { highWaterMark: chunkBytes });
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    throw systemError(name, error);
  }
}

async function* unpacked(packed: AsyncGenerator<Buffer>, name: string): AsyncGenerator<Buffer> {
  let readError: unknown;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* packed;
    } catch (error) {
      readError = error; // not gzip's fault: must not be reported as a corrupt file
      throw error;
    }
  }
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  // The loop below receives every error through `gunzip`, which pipeline destroys with it.
  pipeline(Readable.from(watched()), gunzip, () => {});
  let bytes = 0;
  try {
    for await (const chunk of gunzip) {
      bytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (error) {
    if (readError !== undefined || !/^Z_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    const what = (error as Error).message;
    throw new PlatformError(
      "input",
      "DATA_CORRUPT",
      `${name}: expected a whole gzip file, received one that breaks after ${bytes} unpacked bytes (${what})`,
      { file: name, cause: error },
    );
  }
}

/** The first `size` bytes (fewer at the end), and a generator that yields everything including them. */
async function peek(chunks: AsyncGenerator<Buffer>, size: number): Promise<[Buffer, AsyncGenerator<Buffer>]> {
  const taken: Buffer[] = [];
  let length = 0;
  while (length < size) {
    const next = await chunks.next();
    if (next.done) break;
    taken.push(next.value);
    length += next.value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* taken;
    taken.length = 0;
    yield* chunks;
  }
  const head = taken.length === 1 ? taken[0] : Buffer.concat(taken);
  return [head.subarray(0, size), all()];
}
