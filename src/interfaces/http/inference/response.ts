/** An inference response of the Open Inference Protocol v2: JSON, with binary data behind it where they were asked for. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { PlatformError } from "../../../base/index.ts";
import type { InferenceReply, InferenceTensor } from "../../../platform/inference/index.ts";
import { fromHalf } from "./half.ts";
import { messages } from "./messages.ts";
import type { InferRequest } from "./request.ts";
import { binaryOf } from "./tensor-binary.ts";

export interface InferResponse {
  readonly body: string | Buffer;
  /** Bytes of JSON, where binary data follow. */
  readonly headerLength?: number;
}

/** Values that are written before other requests get their turn. */
const slice = 16_384;

/** @throws PlatformError `INPUT_INVALID` for a value that JSON cannot carry */
export async function writeInferResponse(
  request: InferRequest,
  reply: InferenceReply,
): Promise<InferResponse> {
  const { name, version, digest } = reply.model;
  const binaryDefault = request.parameters["binary_data_output"] === true;
  const asked =
    request.outputs ?? Object.keys(reply.outputs).map((output) => ({ name: output, binary: binaryDefault }));
  const binary: Buffer[] = [];
  const outputs: string[] = [];
  for (const output of asked) {
    const tensor = reply.outputs[output.name];
    const head = `"name":${JSON.stringify(output.name)},"datatype":"${tensor.datatype}","shape":[${tensor.shape.join(",")}]`;
    if (output.binary) {
      const bytes = binaryOf(tensor);
      binary.push(bytes);
      outputs.push(`{${head},"parameters":{"binary_data_size":${bytes.length}}}`);
    } else outputs.push(`{${head},"data":[${await listOf(tensor, output.name)}]}`);
  }
  const id = request.id === undefined ? "" : `"id":${JSON.stringify(request.id)},`;
  const json = `{"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(version)},${id}"parameters":{"digest":"${digest}"},"outputs":[${outputs.join(",")}]}`;
  if (binary.length === 0) return { body: json };
  const header = Buffer.from(json);
  return { body: Buffer.concat([header, ...binary]), headerLength: header.length };
}

async function listOf({ datatype, data }: InferenceTensor, output: string): Promise<string> {
  const parts: string[] = [];
  for (let from = 0; from < data.length; from += slice) {
    if (from > 0) await nextTurn();
    parts.push(listSlice(datatype, data.slice(from, from + slice) as InferenceTensor["data"], output));
  }
  return parts.join(",");
}

function listSlice(
  datatype: InferenceTensor["datatype"],
  data: InferenceTensor["data"],
  output: string,
): string {
  switch (datatype) {
    case "BYTES":
      return (data as readonly string[]).map((text) => JSON.stringify(text)).join(",");
    case "BOOL":
      return Array.from(data as Uint8Array, (value) => value !== 0).join(",");
    case "FP16":
      return finite(Float32Array.from(data as Uint16Array, fromHalf), output).join(",");
    case "FP32":
    case "FP64":
      return finite(data as Float64Array, output).join(",");
    default:
      return (data as Int32Array).join(",");
  }
}

function finite<Values extends Float32Array | Float64Array>(values: Values, output: string): Values {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new PlatformError("input", "INPUT_INVALID", messages.notJson(output));
  return values;
}
