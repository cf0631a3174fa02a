/** The operations whose cost must not grow. Each is told which turn it is, so that no two turns ask for the same. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../../src/base/index.ts";
import { input, mul, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { writeArtifact } from "../../src/models/index.ts";
import { systemEntropy } from "../../src/platform/local/index.ts";
import { signer } from "../../src/platform/signing/index.ts";
import { busy, pastModel, pastSubject, seed } from "./fill.ts";

export interface Operation {
  readonly name: string;
  /** Turns that are measured. */
  readonly times: number;
  run(turn: number): Promise<unknown>;
}

const many = 200;
const some = 50;
const few = 20;
/** Turns before those that are measured: the first size would pay for code that is not compiled yet. */
export const warmUps = 20;
const page = 20;
const change = { actor: "bench", reason: "" };

/** Registers the models that everything else is about. @returns the operations at a size */
export async function prepare(
  { audit, registry, keys }: Platform,
  dataFolder: string,
): Promise<(size: number) => Promise<Operation[]>> {
  const model = toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), 2) }));
  const signing = signer({ dataFolder, entropy: systemEntropy });
  let artifacts = 0;
  /** A signed artifact with a digest of its own, not registered yet. */
  const artifact = async () => {
    const folder = join(dataFolder, "made", String(artifacts++));
    await mkdir(folder, { recursive: true });
    await writeArtifact(folder, { "model.onnx": model }, { ...facts, run: `run ${artifacts}` });
    await signing.sign(folder);
    return folder;
  };
  const register = async (name: string, folder: string) =>
    registry.register({ model: name, folder, note: "", ...change });
  await register(seed, await artifact());
  for (let i = 0; i < 2; i++) await register(busy, await artifact());
  await registry.promote(seed, 1, change);

  return async (size) => {
    const made: string[] = [];
    while (made.length < few + warmUps) made.push(await artifact());
    const tokens: string[] = [];
    while (tokens.length < some + warmUps) {
      const request = { name: "bench", actor: "bench", scopes: ["read"], by: "bench" };
      const { token } = await keys.create({ ...request, expiresAt: null, requestsPerSecond: null });
      tokens.push(token);
    }
    const entry = { action: "bench.now", payload: { size } };
    return [
      {
        name: "ledger: append an entry",
        times: many,
        run: (turn) => audit.append({ ...entry, subject: pastSubject(turn) }),
      },
      { name: "ledger: the newest entries", times: many, run: () => audit.list({ limit: page }) },
      {
        name: "ledger: the newest entries of a subject",
        times: many,
        run: (turn) => audit.list({ subject: pastSubject(turn), limit: page }),
      },
      {
        name: "registry: register a version",
        times: few,
        run: (turn) => register(busy, made[turn]),
      },
      {
        name: "registry: resolve an alias",
        times: many,
        run: (turn) => registry.resolve({ model: pastModel(turn, size), at: { alias: "champion" } }),
      },
      {
        name: "registry: move an alias",
        times: some,
        run: (turn) => registry.setAlias(busy, "candidate", 1 + (turn % 2), change),
      },
      {
        name: "registry: the history of a model",
        times: many,
        run: () => registry.history(busy, { limit: page }),
      },
      {
        name: "registry: a page of models",
        times: many,
        run: (turn) => registry.models({ after: pastModel(turn, size), limit: page }),
      },
      { name: "keys: one seen for the first time", times: some, run: (turn) => keys.verify(tokens[turn]) },
    ];
  };
}

const facts = {
  kind: "bench",
  data: { source: "none", fingerprint: "0".repeat(64), from: "2024-01-01", to: "2024-12-31", symbols: [] },
  configuration: {},
  metrics: {},
  parameters: 0,
  versions: {},
  createdAt: "2026-01-01",
};

const body = JSON.stringify({ inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] });

/** Requests to a server, one after the other. */
export function requests(address: string, size: number): Operation[] {
  const post = async (path: string, text: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(address + path, { method: "POST", headers, body: text });
    const received = await answer.text();
    if (!answer.ok) throw new Error(`${path}: status ${answer.status}: ${received}`);
  };
  const infer = (name: string) => post(`/v2/models/${encodeURIComponent(name)}/infer`, body);
  return [
    {
      name: "HTTP: a page of models",
      times: many,
      run: (turn) => post("/v1/registry/list", JSON.stringify({ after: pastModel(turn, size), limit: page })),
    },
    { name: "HTTP: infer by alias", times: many, run: () => infer(`${seed}@champion`) },
    {
      name: "HTTP: infer by alias, first request for a model",
      times: many,
      run: (turn) => infer(`${pastModel(turn, size)}@champion`),
    },
  ];
}
