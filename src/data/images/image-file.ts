import { readFile } from "node:fs/promises";
import { invariant, PlatformError } from "../../base/index.ts";

/** An image as numbers: `[height, width, channels]`, rows from the top, 0 for black to 1 for full. */
export interface ImageMatrix {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

export interface ImageOptions {
  /** `grey` has one channel (luminance), `rgb` three. */
  readonly colour?: "grey" | "rgb";
  /** Size of the result in pixels; the image's own when absent. Both or neither. */
  readonly width?: number;
  readonly height?: number;
  /** How an image of another shape fills that size: distorted, cut at the sides, or with white bars. */
  readonly fit?: "fill" | "cover" | "contain";
  /** Largest number of pixels that is decoded; a small file can hold a very large image. */
  readonly maxPixels?: number;
}

const defaultMaxPixels = 50_000_000;
const maxSide = 16_384;

/**
 * Reads a PNG or JPEG file as a matrix. The camera's orientation is applied, transparency is laid on white, and 16-bit channels are
 * reduced to 8 bits.
 *
 * @throws PlatformError `DATA_FILE_MISSING`, `DATA_NOT_A_FILE`, `DATA_FILE_FORBIDDEN`, `DATA_READ_FAILED`,
 *   `DATA_IMAGE_UNREADABLE` when it is no such image, damaged or too large, `DATA_OPTION_INVALID`
 */
export async function readImage(path: string, options: ImageOptions = {}): Promise<ImageMatrix> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw readFailure(path, cause as NodeJS.ErrnoException);
  }
  return decodeImage(bytes, path, options);
}

/**
 * The same for bytes in memory, such as an upload.
 *
 * @param name what to call the image in a message
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  options: ImageOptions = {},
): Promise<ImageMatrix> {
  const { colour = "rgb", width, height, fit = "fill", maxPixels = defaultMaxPixels } = options;
  const kind = imageKind(bytes);
  if (kind !== "PNG" && kind !== "JPEG") throw unreadable(name, `received ${kind}`);
  if ((width === undefined) !== (height === undefined)) {
    throw optionError("width and height", "both or neither", `width ${width}, height ${height}`);
  }
  for (const [field, side] of Object.entries({ width, height })) {
    if (side !== undefined && !(Number.isInteger(side) && side >= 1 && side <= maxSide)) {
      throw optionError(field, `a whole number of pixels from 1 to ${maxSide}`, String(side));
    }
  }

  // Loaded on first use: sharp brings a native library that most runs do not need.
  const { default: sharp } = await import("sharp");
  try {
    let image = sharp(bytes, { limitInputPixels: maxPixels, failOn: "warning" })
      .autoOrient()
      .flatten({ background: "white" });
    if (width !== undefined && height !== undefined) {
      image = image.resize({ width, height, fit, background: "white" });
    }
    image = colour === "grey" ? image.toColourspace("b-w") : image.toColourspace("srgb");
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    const channels = colour === "grey" ? 1 : 3;
    invariant(info.channels === channels, "sharp gives one channel for grey and three for sRGB");
    const matrix = Float32Array.from(data, (value) => value / 255);
    return { data: matrix, height: info.height, width: info.width, channels };
  } catch (cause) {
    throw unreadable(name, `received a ${kind} that cannot be decoded: ${(cause as Error).message}`, cause);
  }
}

/** What the first bytes say. Names are not asked: a file called `chart.png` may be anything. */
function imageKind(bytes: Uint8Array): string {
  if (bytes.length === 0) return "0 bytes";
  const starts = (...magic: number[]) => magic.every((byte, index) => bytes[index] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "PNG";
  if (starts(0xff, 0xd8, 0xff)) return "JPEG";
  const head = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `another kind of file (it begins with the bytes ${head})`;
}

function unreadable(name: string, received: string, cause?: unknown): PlatformError {
  const reason = received.replace(/[\s:]+$/, "");
  const message = `${name}: expected a PNG or JPEG image, ${reason}`;
  return new PlatformError("input", "DATA_IMAGE_UNREADABLE", message, { file: name, cause });
}

function optionError(field: string, expected: string, received: string): PlatformError {
  const message = `image: ${field}: expected ${expected}, received ${received}`;
  return new PlatformError("input", "DATA_OPTION_INVALID", message, { field });
}

function readFailure(path: string, cause: NodeJS.ErrnoException): PlatformError {
  const where = { file: path, cause };
  switch (cause.code) {
    case "ENOENT":
    case "ENOTDIR":
      return new PlatformError(
        "missing",
        "DATA_FILE_MISSING",
        `${path}: expected an image, there is no such file`,
        where,
      );
    case "EISDIR":
      return new PlatformError(
        "input",
        "DATA_NOT_A_FILE",
        `${path}: expected an image file, received a folder`,
        where,
      );
    case "EACCES":
    case "EPERM":
      return new PlatformError(
        "forbidden",
        "DATA_FILE_FORBIDDEN",
        `${path}: may not be read by this user`,
        where,
      );
    default:
      return new PlatformError("unavailable", "DATA_READ_FAILED", `${path}: ${cause.message}`, where);
  }
}
