/** A model as a file that `fathom serve` finds: three numbers in, twice each of them and one more out. */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { add, input, mul, toOnnx, traceGraph } from "fathom/engine";

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), "fathom-models-")));
const x = input("x", ["batch", 3]);
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "affine.onnx"), toOnnx(traceGraph({ y: add(mul(x, 2), 1) })));
console.log(`wrote ${join(folder, "affine.onnx")}`);
