/** The machine's own rate for a float32 matrix product, through onnxruntime-node on all threads. */
import { create, toBinary } from "@bufbuild/protobuf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { ModelProtoSchema, TensorProto_DataType } from "../../src/engine/onnx/generated/onnx_pb.js";

import { machineThreads } from "../machine.ts";

export const productSize = 1024;

/** Answers GFLOP/s from the fastest of `repetitions`: the most the machine was seen to do. */
export async function productRate(repetitions = 10): Promise<number> {
  const session = await InferenceSession.create(productModel(), { intraOpNumThreads: machineThreads });
  const x = new Tensor("float32", new Float32Array(productSize ** 2).fill(0.5), [productSize, productSize]);
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= repetitions; i++) {
    const start = performance.now();
    await session.run({ a: x, b: x });
    if (i > 0) fastest = Math.min(fastest, performance.now() - start);
  }
  await session.release();
  return (2 * productSize ** 3) / (fastest * 1e6);
}

function productModel(): Uint8Array {
  const matrix = (name: string) => ({
    name,
    type: {
      value: {
        case: "tensorType" as const,
        value: {
          elemType: TensorProto_DataType.FLOAT,
          shape: {
            dim: [1, 2].map(() => ({ value: { case: "dimValue" as const, value: BigInt(productSize) } })),
          },
        },
      },
    },
  });
  const graph = {
    name: "product",
    node: [{ opType: "MatMul", input: ["a", "b"], output: ["c"] }],
    input: [matrix("a"), matrix("b")],
    output: [matrix("c")],
  };
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 17n }],
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}
