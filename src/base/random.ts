/**
 * Seeded, splittable randomness: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"), used as JAX uses it. A key is a value: the same key always gives the same numbers, and a key is split, never
 * advanced, so that adding a draw in one place does not change the draws of another.
 */
import { PlatformError } from "./errors.ts";

/** Two 32-bit words. */
export interface Key {
  readonly high: number;
  readonly low: number;
}

/** A key from a whole number. @throws PlatformError `INPUT_INVALID` when `seed` is not a safe integer */
export function keyFrom(seed: number): Key {
  if (!Number.isSafeInteger(seed))
    throw new PlatformError("input", "INPUT_INVALID", `seed: expected a whole number, received ${seed}`);
  return { high: Math.floor(seed / 2 ** 32) | 0, low: seed | 0 };
}

/** `count` independent keys. */
export function splitKey(key: Key, count = 2): Key[] {
  return Array.from({ length: count }, (_, index) => foldIn(key, index));
}

/** The key of a part named by a number or a word, independent of the keys of all other parts. */
export function foldIn(key: Key, part: number | string): Key {
  const [a, b] = typeof part === "number" ? [part | 0, 0x5eed] : hashWord(part);
  const block = new Uint32Array(2);
  threefry(key.high, key.low, a, b, block);
  return { high: block[0] | 0, low: block[1] | 0 };
}

/** `count` numbers uniform in [low, high). */
export function uniform(key: Key, count: number, low = 0, high = 1): Float64Array {
  const out = new Float64Array(count);
  const block = new Uint32Array(2);
  for (let i = 0; i < count; i++) {
    threefry(key.high, key.low, i, 0, block);
    out[i] = low + (high - low) * unit(block);
  }
  return out;
}

/** `count` standard normal numbers (Box and Muller 1958). */
export function normal(key: Key, count: number, mean = 0, deviation = 1): Float64Array {
  const out = new Float64Array(count);
  const block = new Uint32Array(2);
  for (let i = 0; i < count; i += 2) {
    threefry(key.high, key.low, i, 1, block);
    const radius = Math.sqrt(-2 * Math.log(1 - unit(block)));
    threefry(key.high, key.low, i, 2, block);
    const angle = 2 * Math.PI * unit(block);
    out[i] = mean + deviation * radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = mean + deviation * radius * Math.sin(angle);
  }
  return out;
}

/** `count` numbers of Student's t distribution with whole `degrees` of freedom, scaled to unit variance (degrees > 2). */
export function studentT(key: Key, count: number, degrees: number): Float64Array {
  const numerator = normal(foldIn(key, "numerator"), count);
  const squares = normal(foldIn(key, "denominator"), count * degrees);
  const scale = Math.sqrt((degrees - 2) / degrees);
  return numerator.map((z, i) => {
    let chiSquare = 0;
    for (let d = 0; d < degrees; d++) chiSquare += squares[i * degrees + d] ** 2;
    return (scale * z) / Math.sqrt(chiSquare / degrees);
  });
}

/** The numbers 0 to `count - 1` in random order (Fisher and Yates). */
export function permutation(key: Key, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const draws = uniform(key, count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draws[i] * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

/** 53 random bits as a number in [0, 1). */
function unit(block: Uint32Array): number {
  return ((block[0] >>> 5) * 67108864 + (block[1] >>> 6)) / 9007199254740992;
}

/** FNV-1a, twice with different offsets. */
function hashWord(word: string): [number, number] {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < word.length; i++) {
    a = Math.imul(a ^ word.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ word.charCodeAt(i), 0x85ebca6b);
  }
  return [a, b];
}

const rotations = [13, 15, 26, 6, 17, 29, 16, 24];

function threefry(key0: number, key1: number, counter0: number, counter1: number, out: Uint32Array): void {
  const key2 = 0x1bd11bda ^ key0 ^ key1;
  const keys = [key0, key1, key2];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    for (let round = 0; round < 4; round++) {
      const r = rotations[(group % 2) * 4 + round];
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    }
    x0 = (x0 + keys[(group + 1) % 3]) | 0;
    x1 = (x1 + keys[(group + 2) % 3] + group + 1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
}
