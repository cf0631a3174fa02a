import type { Compute } from "../../base/index.ts";
import { createRuntime, input, matmul, toOnnx, traceGraph } from "../../engine/index.ts";

export interface EngineCheck {
  readonly received: readonly number[];
  readonly expected: readonly number[];
  readonly milliseconds: number;
}

/**
 * Has ONNX Runtime multiply `[[1,2,3],[4,5,6]]` by `[[7,8],[9,10],[11,12]]`, on the provider that is asked for.
 *
 * @throws PlatformError `PROVIDER_UNAVAILABLE`, or what keeps the native library from being loaded
 */
export async function checkEngine(compute: Compute): Promise<EngineCheck> {
  const runtime = createRuntime(compute);
  try {
    const session = await runtime.load(
      toOnnx(traceGraph({ c: matmul(input("a", [2, 3]), input("b", [3, 2])) })),
    );
    const a = { dtype: "float32" as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const b = { dtype: "float32" as const, shape: [3, 2], data: Float32Array.of(7, 8, 9, 10, 11, 12) };
    const { outputs, milliseconds } = await session.run({ feeds: { a, b }, fetch: ["c"] });
    const received = Array.from(outputs.c.data as Float32Array);
    return { received, expected: [58, 64, 139, 154], milliseconds: milliseconds[0] };
  } finally {
    await runtime.close();
  }
}
