/**
 * An inference request of the Open Inference Protocol v2, with the binary tensor data extension.
 *
 * @see https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md)
 * @see Triton Inference Server, "Binary Tensor Data Extension"
 */
import { PlatformError } from "../../../base/index.ts";
import {
  type Datatype,
  datatypeNames,
  type InferenceTensor,
  isDatatype,
} from "../../../platform/inference/index.ts";
import { showValue } from "../../issues.ts";
import { JsonReader } from "./json-reader.ts";
import { messages } from "./messages.ts";
import { readBinaryTensor } from "./tensor-binary.ts";
import { readTensorData } from "./tensor-json.ts";

export interface InferRequest {
  readonly id?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, InferenceTensor>>;
  /** Every output of the model when absent. */
  readonly outputs?: readonly RequestedOutput[];
}

export interface RequestedOutput {
  readonly name: string;
  readonly binary: boolean;
}

/** An input as far as it was read: the data may stand before what says how to read them. */
interface InputDraft {
  name?: string;
  datatype?: Datatype;
  shape?: readonly number[];
  parameters?: Record<string, unknown>;
  dataAt?: number;
  data?: InferenceTensor["data"];
}

/**
 * @param body all bytes of the request
 * @param headerLength bytes of JSON, where binary data follow; all of them when absent
 * @throws PlatformError `INPUT_INVALID` naming the field
 */
export function readInferRequest(body: Buffer, headerLength = body.length): InferRequest {
  const reader = new JsonReader(body.subarray(0, headerLength));
  const drafts: InputDraft[] = [];
  let id: string | undefined;
  let parameters: Record<string, unknown> = {};
  let outputs: { name: string; parameters: Record<string, unknown> }[] | undefined;
  let hasInputs = false;
  reader.object((field) => {
    if (field === "inputs") {
      hasInputs = true;
      reader.array((index) => drafts.push(readInput(reader, `inputs[${index}]`)));
    } else if (field === "id") id = text(reader.value(), "id", "");
    else if (field === "parameters") parameters = object(reader.value(), "parameters", "");
    else if (field === "outputs") outputs = readOutputs(reader.value());
    else reader.skip(); // fields of extensions that this server does not have
  });
  reader.end();
  if (!hasInputs) throw invalid(messages.fieldMissing("body", "inputs", messages.someInputs));
  const inputs = finish(drafts, reader, body.subarray(headerLength));
  const binaryDefault = parameters["binary_data_output"] === true;
  return {
    ...(id !== undefined && { id }),
    parameters,
    inputs,
    ...(outputs !== undefined &&
      outputs.length > 0 && {
        outputs: outputs.map(({ name, parameters: { binary_data: binary = binaryDefault } }) => {
          if (typeof binary !== "boolean")
            throw invalid(
              messages.fieldWrong(
                `outputs "${name}"`,
                "binary_data",
                messages.trueOrFalse,
                showValue(binary),
              ),
            );
          return { name, binary };
        }),
      }),
  };
}

function readInput(reader: JsonReader, where: string): InputDraft {
  const draft: InputDraft = {};
  reader.object((field) => {
    if (field === "name") draft.name = text(reader.value(), "name", where);
    else if (field === "datatype") draft.datatype = datatypeOf(reader.value(), where);
    else if (field === "shape") draft.shape = shapeOf(reader.value(), where);
    else if (field === "parameters") draft.parameters = object(reader.value(), "parameters", where);
    else if (field === "data") {
      reader.peek();
      draft.dataAt = reader.at;
      if (draft.datatype !== undefined && draft.shape !== undefined)
        draft.data = readTensorData(reader, where, draft.datatype, draft.shape);
      else reader.skip();
    } else reader.skip();
  });
  return draft;
}

function finish(drafts: readonly InputDraft[], reader: JsonReader, binary: Buffer): InferRequest["inputs"] {
  const inputs: Record<string, InferenceTensor> = {};
  let at = 0;
  for (const [index, { name, datatype, shape, parameters = {}, dataAt, data }] of drafts.entries()) {
    const place = `inputs[${index}]`;
    if (name === undefined) throw invalid(messages.fieldMissing(place, "name", messages.text));
    const where = `input ${JSON.stringify(name)}`;
    if (Object.hasOwn(inputs, name)) throw invalid(messages.twice(where));
    if (datatype === undefined)
      throw invalid(messages.fieldMissing(where, "datatype", datatypeNames.join(", ")));
    if (shape === undefined) throw invalid(messages.fieldMissing(where, "shape", messages.someShape));
    const { binary_data_size: size } = parameters;
    let values = data;
    if (size !== undefined) {
      if (dataAt !== undefined) throw invalid(messages.dataAndBinary(where));
      if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
        throw invalid(messages.fieldWrong(where, "binary_data_size", messages.someShape, showValue(size)));
      if (at + size > binary.length) throw invalid(messages.binaryMissing(where, size, binary.length - at));
      values = readBinaryTensor(binary.subarray(at, at + size), where, datatype, shape);
      at += size;
    } else if (dataAt === undefined) throw invalid(messages.fieldMissing(where, "data", messages.someInputs));
    else if (values === undefined)
      values = readTensorData(new JsonReader(reader.bytes, dataAt), where, datatype, shape);
    Object.defineProperty(inputs, name, {
      value: { datatype, shape, data: values },
      enumerable: true,
    }); // also for a name such as __proto__
  }
  if (at !== binary.length) throw invalid(messages.binaryLeft(binary.length - at));
  return inputs;
}

function readOutputs(value: unknown): { name: string; parameters: Record<string, unknown> }[] {
  if (!Array.isArray(value))
    throw invalid(messages.fieldWrong("body", "outputs", messages.someInputs, showValue(value)));
  return value.map((one: unknown, index) => {
    const where = `outputs[${index}]`;
    const { name, parameters = {} } = object(one, "", where);
    if (name === undefined) throw invalid(messages.fieldMissing(where, "name", messages.text));
    return { name: text(name, "name", where), parameters: object(parameters, "parameters", where) };
  });
}

function datatypeOf(value: unknown, where: string): Datatype {
  if (isDatatype(value)) return value;
  throw invalid(messages.fieldWrong(where, "datatype", datatypeNames.join(", "), showValue(value)));
}

function shapeOf(value: unknown, where: string): readonly number[] {
  const isShape =
    Array.isArray(value) &&
    value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0) &&
    Number.isSafeInteger((value as number[]).reduce((product, size) => product * size, 1));
  if (isShape) return value as number[];
  throw invalid(messages.fieldWrong(where, "shape", messages.someShape, showValue(value)));
}

function text(value: unknown, field: string, where: string): string {
  if (typeof value === "string") return value;
  throw invalid(messages.fieldWrong(where || "body", field, messages.text, showValue(value)));
}

function object(value: unknown, field: string, where: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(messages.fieldWrong(where || "body", field, messages.object, showValue(value)));
}

function invalid(message: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message);
}
