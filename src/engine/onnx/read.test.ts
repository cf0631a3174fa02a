import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  createRuntime,
  Embedding,
  input,
  Linear,
  loadOnnx,
  mul,
  readOnnx,
  reshape,
  toOnnx,
  traceGraph,
} from "../index.ts";
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from "./generated/onnx_pb.js";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const x = input("x", ["batch", 3]);
const bytes = toOnnx(traceGraph({ y: new Linear(3, 2, keyFrom(1)).apply(x) }), { metadata: { who: "test" } });
const edited = (change: (model: ModelProto) => void) => {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
};

test("tells what goes in and what comes out", () => {
  const model = readOnnx(bytes, "linear.onnx");
  expect(model).toMatchObject({ source: "linear.onnx", opset: 17, irVersion: 8, producer: "fathom" });
  expect(model.inputs).toEqual([{ name: "x", elementType: "float", shape: ["batch", 3] }]);
  expect(model.outputs).toEqual([{ name: "y", elementType: "float", shape: ["batch", 2] }]);
  expect(model.metadata).toEqual({ who: "test" });
});

test("names an axis that the file leaves without a name, and takes an initializer for no input", () => {
  const { inputs } = readOnnx(
    edited(({ graph }) => {
      const declared = graph!.input[0].type!.value;
      if (declared.case === "tensorType") declared.value.shape!.dim[0].value = { case: undefined };
      graph!.input.push({ ...graph!.input[0], name: graph!.initializer[0].name ?? "" });
    }),
  );
  expect(inputs).toEqual([{ name: "x", elementType: "float", shape: ["x_0", 3] }]);
});

test("refuses a file that is cut off anywhere", () => {
  const whole = edited((model) => model.metadataProps.splice(0)); // what follows a whole model may be missing
  for (let length = 0; length < whole.length; length++) {
    expect(() => readOnnx(whole.subarray(0, length)), `${length} bytes`).toThrow(
      expect.objectContaining({ code: "ONNX_INVALID" }),
    );
  }
});

test.each<[string, Uint8Array, string, string]>([
  [
    "text",
    new TextEncoder().encode("symbol,date,close\nA,2024-01-01,1\n"),
    "ONNX_INVALID",
    "expected a whole ONNX model",
  ],
  ["nothing", new Uint8Array(), "ONNX_INVALID", "received bytes that hold neither"],
  [
    "a graph without outputs",
    edited(({ graph }) => graph!.output.splice(0)),
    "ONNX_INVALID",
    "expected a graph with an output",
  ],
  [
    "a later file version",
    edited((model) => {
      model.irVersion = 99n;
    }),
    "ONNX_UNSUPPORTED",
    "expected ONNX file version 3 to 13, received 99",
  ],
  [
    "an old operator set",
    edited((model) => {
      model.opsetImport[0].version = 6n;
    }),
    "ONNX_UNSUPPORTED",
    "expected operator set 7 to 26, received 6",
  ],
  [
    "values in another file",
    edited(({ graph }) => {
      const [tensor] = graph!.initializer;
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = [create(StringStringEntryProtoSchema, { key: "location", value: "w.bin" })];
    }),
    "ONNX_UNSUPPORTED",
    "received 1 tensors in other files (parameter_0)",
  ],
])("refuses %s", (_, given, code, message) => {
  expect(() => readOnnx(given, "given.onnx")).toThrow(
    expect.objectContaining({
      code,
      message: expect.stringContaining(message),
      details: { file: "given.onnx" },
    }),
  );
});

describe("a loaded model", () => {
  test("answers by name, for any batch", async () => {
    const model = await loadOnnx(runtime, toOnnx(traceGraph({ y: mul(x, 2), z: mul(x, 3) })));
    for (const batch of [1, 2]) {
      const data = Float32Array.from({ length: 3 * batch }, (_, i) => i);
      const { y, z } = await model.run({ x: { dtype: "float32", shape: [batch, 3], data } });
      expect([...y.data]).toEqual([...data].map((value) => 2 * value));
      expect(z.shape).toEqual([batch, 3]);
    }
    await model.release();
  });

  test("names every input that does not fit", async () => {
    const pair = mul(input("a", ["batch", 2]), input("b", ["batch", 2]));
    const model = await loadOnnx(runtime, toOnnx(traceGraph({ y: pair })));
    const rows = (shape: number[], data = new Float32Array(shape[0] * shape[1])) =>
      ({ dtype: "float32", shape, data }) as const;
    await expect(model.run({ a: rows([2, 3]), c: rows([1, 1]) })).rejects.toThrow(
      'expected input "b" of float[batch, 2], received none; expected input "a" of float[batch, 2], received float32[2, 3]; there is no input "c"',
    );
    await expect(model.run({ a: rows([2, 2]), b: rows([3, 2]) })).rejects.toThrow("received float32[2, 2]");
    await model.release();
  });

  test.each([5, -1])("refuses the token %i of a vocabulary of five, by its place", async (token) => {
    const tokens = reshape(input("tokens", ["batch", 2], "int64"), ["2*batch"]);
    const file = readOnnx(
      toOnnx(traceGraph({ y: new Embedding(5, 3, keyFrom(1)).apply(tokens) })),
      "text.onnx",
    );
    const model = await loadOnnx(runtime, file);
    const batch = (...values: number[]) =>
      ({ dtype: "int64", shape: [2, 2], data: BigInt64Array.from(values, BigInt) }) as const;
    expect((await model.run({ tokens: batch(0, 4, 4, 0) })).y.shape).toEqual([4, 3]);
    await expect(model.run({ tokens: batch(0, 4, token, 0) })).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: `text.onnx: tokens[1, 0]: expected a whole number of 0 to 4, received ${token}`,
    });
    await model.release();
  });

  test("is refused with ONNX Runtime's reason when it has no kernel for an operator", async () => {
    const strange = edited(({ graph }) => {
      graph!.node[0].opType = "Nonsense";
    });
    await expect(loadOnnx(runtime, strange)).rejects.toMatchObject({
      code: "ONNX_UNSUPPORTED",
      message: expect.stringContaining("Nonsense"),
    });
  });
});
