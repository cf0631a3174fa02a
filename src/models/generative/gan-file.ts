import { PlatformError } from "../../base/index.ts";
import type { TrainingState } from "../../engine/index.ts";
import { decode, encode, type StoredTensor } from "../safetensors.ts";
import type { GanState } from "./gan.ts";

const networks = ["generator", "discriminator"] as const;

/** The state of two networks in training as a safetensors file: `average`, and of each network `parameters` and `memory.…`. */
export function encodeGanState(state: GanState): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, StoredTensor>();
  const store = (name: string, data: Float32Array) =>
    tensors.set(name, { type: "F32", shape: [data.length], data });
  store("average", state.average);
  for (const network of networks) {
    store(`${network}.parameters`, state[network].parameters);
    for (const [name, data] of Object.entries(state[network].memory))
      store(`${network}.memory.${name}`, data);
  }
  const steps = networks.map((network) => [`${network}.step`, String(state[network].step)] as const);
  return encode(tensors, new Map([["round", String(state.round)], ...steps]));
}

/**
 * What `encodeGanState` wrote.
 *
 * @param name what to call the file in a message
 * @throws PlatformError `ARTIFACT_CORRUPT` when the bytes are not such a file
 */
export function decodeGanState(bytes: Uint8Array, name: string): GanState {
  const { tensors, metadata } = decode(bytes, name);
  const corrupt = (expected: string) =>
    new PlatformError("conflict", "ARTIFACT_CORRUPT", `${name}: not a GAN's state: expected ${expected}`, {
      file: name,
    });
  const vector = (field: string): Float32Array => {
    const tensor = tensors.get(field);
    if (tensor?.type !== "F32") throw corrupt(`a tensor "${field}" of F32`);
    return tensor.data;
  };
  const whole = (field: string): number => {
    const value = Number(metadata.get(field) ?? Number.NaN);
    if (!Number.isSafeInteger(value) || value < 0) throw corrupt(`a whole number "${field}"`);
    return value;
  };
  const network = (part: (typeof networks)[number]): TrainingState => {
    const prefix = `${part}.memory.`;
    const memory = [...tensors.keys()].filter((field) => field.startsWith(prefix));
    return {
      parameters: vector(`${part}.parameters`),
      memory: Object.fromEntries(memory.map((field) => [field.slice(prefix.length), vector(field)])),
      step: whole(`${part}.step`),
    };
  };
  return {
    round: whole("round"),
    generator: network("generator"),
    discriminator: network("discriminator"),
    average: vector("average"),
  };
}
