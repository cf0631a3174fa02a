/**
 * The inner tile of matrix products in WebAssembly with 128-bit vectors: four rows times two rows, two products at a time. It is
 * assembled here, instruction by instruction, because no compiler is needed for one loop. JavaScript engines do not vectorise
 * the same loop, which is why a large product takes about a third of the time this way.
 */

/** Adds up `a[i, k] b[j, k]` for four rows of a and two of b: sums are written to `out`, row by row. Addresses are bytes. */
export type Tile = (a: number, b: number, strideA: number, strideB: number, end: number, out: number) => void;

export interface SimdKernel {
  readonly tile: Tile;
  /** Grows to at least `doubles` numbers. */
  readonly memory: (doubles: number) => Float64Array;
}

/** Values of the sum that one turn of the loop takes: depths are padded to a multiple of it. */
export const depthStep = 8;

/** The part of WebAssembly's interface that is used here; its types belong to browsers. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface Wasm {
  readonly Memory: new (size: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly tile: Tile } };
  validate(bytes: Uint8Array): boolean;
}

let kernel: SimdKernel | null | undefined;

/** The kernel, made at the first call; null on a machine without vector instructions. */
export function simdKernel(): SimdKernel | null {
  if (kernel === undefined) kernel = makeKernel();
  return kernel;
}

function makeKernel(): SimdKernel | null {
  const wasm = (globalThis as unknown as { WebAssembly?: Wasm }).WebAssembly;
  const bytes = Uint8Array.from(moduleBytes());
  if (wasm === undefined || !wasm.validate(bytes)) return null;
  const memory = new wasm.Memory({ initial: 1 });
  const { tile } = new wasm.Instance(new wasm.Module(bytes), { host: { memory } }).exports;
  let view = new Float64Array(memory.buffer);
  return {
    tile,
    memory(doubles) {
      const missing = doubles * 8 - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      if (view.buffer !== memory.buffer) view = new Float64Array(memory.buffer);
      return view;
    },
  };
}

// WebAssembly 2.0, chapter 5 "Binary format".
const [i32, v128] = [0x7f, 0x7b];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const addI32 = [0x6a];
const constant = (value: number) => [0x41, ...signed(value)];
const loadVector = (offset: number) => [0xfd, 0x00, 0x04, ...unsigned(offset)];
const addVectors = [0xfd, 0xf0, 0x01];
const multiplyVectors = [0xfd, 0xf2, 0x01];
const lane = (index: number) => [0xfd, 0x21, index];
const storeDouble = (offset: number) => [0x39, 0x03, ...unsigned(offset)];
const addDoubles = [0xa0];

/** Locals: parameters, rows 1 to 3 of a, row 1 of b, eight sums, and what is loaded. */
const [a, b, strideA, strideB, end, out] = [0, 1, 2, 3, 4, 5];
const rowsOfA = [a, 6, 7, 8];
const rowsOfB = [b, 9];
const sum = (i: number, j: number) => 10 + 2 * i + j;
const [x, y0, y1] = [18, 19, 20];

function moduleBytes(): number[] {
  const turn = Array.from({ length: depthStep / 2 }, (_, k) => [
    ...get(b),
    ...loadVector(16 * k),
    ...set(y0),
    ...get(rowsOfB[1]),
    ...loadVector(16 * k),
    ...set(y1),
    ...rowsOfA.flatMap((row, i) => [
      ...get(row),
      ...loadVector(16 * k),
      ...set(x),
      ...[y0, y1].flatMap((y, j) => [
        ...get(sum(i, j)),
        ...get(x),
        ...get(y),
        ...multiplyVectors,
        ...addVectors,
        ...set(sum(i, j)),
      ]),
    ]),
  ]).flat();
  const advance = [...rowsOfA, ...rowsOfB].flatMap((row) => [
    ...get(row),
    ...constant(8 * depthStep),
    ...addI32,
    ...set(row),
  ]);
  const next = (from: number, stride: number, to: number) => [
    ...get(from),
    ...get(stride),
    ...addI32,
    ...set(to),
  ];
  const body = [
    ...next(a, strideA, 6),
    ...next(6, strideA, 7),
    ...next(7, strideA, 8),
    ...next(b, strideB, 9),
    ...[0x03, 0x40], // loop
    ...turn,
    ...advance,
    ...get(a),
    ...get(end),
    0x49, // unsigned less than
    ...[0x0d, 0x00], // branch back
    0x0b,
    ...[0, 1, 2, 3].flatMap((i) =>
      [0, 1].flatMap((j) => [
        ...get(out),
        ...get(sum(i, j)),
        ...lane(0),
        ...get(sum(i, j)),
        ...lane(1),
        ...addDoubles,
        ...storeDouble(8 * (2 * i + j)),
      ]),
    ),
    0x0b,
  ];
  const locals = [2, 4, i32, 11, v128];
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 6, i32, i32, i32, i32, i32, i32, 0]),
    ...section(2, [1, ...text("host"), ...text("memory"), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("tile"), 0x00, 0]),
    ...section(10, [1, ...sized([...locals, ...body])]),
  ];
}

const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]) => [id, ...sized(bytes)];
const text = (word: string) => sized(Array.from(word, (letter) => letter.charCodeAt(0)));

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}
