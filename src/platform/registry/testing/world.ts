/** A registry on a home of the state, with a clock that stands still until it is told, and artifacts to put into it. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { LedgerEntry, RegistryPort } from "../../../base/index.ts";
import { writeArtifact } from "../../../models/index.ts";
import { folderStore } from "../../artifacts/index.ts";
import { systemEntropy } from "../../local/index.ts";
import { signer } from "../../signing/index.ts";
import { openState, type State } from "../../state/index.ts";
import type { Home } from "../../state/testing/homes.ts";
import { openRegistry } from "../index.ts";

export interface TestRegistry {
  readonly registry: RegistryPort;
  readonly state: State;
  readonly entries: LedgerEntry[];
  readonly clock: { time: number; now(): number; elapsed(): number };
  readonly dataFolder: string;
  readonly store: ReturnType<typeof folderStore>;
  /** A signed artifact of its own bytes. */
  artifact(name: string, facts?: ArtifactFacts): Promise<string>;
  /** The same, registered. @returns its number */
  add(model: string, name: string, facts?: ArtifactFacts): Promise<number>;
}

export interface ArtifactFacts {
  readonly metrics?: Record<string, unknown>;
  readonly parent?: string;
  readonly files?: Record<string, string | Uint8Array>;
  readonly signed?: boolean;
}

export const day = 86_400_000;
/** 2026-01-01. */
export const newYear = Date.UTC(2026, 0, 1);

/** One registry for all tests of a group, opened before and removed behind them. */
export function withTestRegistry(
  makeHome: () => Promise<Home>,
  opened: (registry: TestRegistry) => void,
): void {
  let home: Home;
  let at: TestRegistry;
  beforeAll(async () => {
    home = await makeHome();
    at = await openTestRegistry(home);
    opened(at);
  });
  afterAll(async () => {
    await at.state.close();
    await home.remove();
  });
}

export async function openTestRegistry(home: Home): Promise<TestRegistry> {
  const state = await openState(home);
  const dataFolder = join(home.folder, "data");
  const entries: LedgerEntry[] = [];
  const clock = { time: newYear, now: () => clock.time, elapsed: () => 0 };
  const store = folderStore(join(dataFolder, "artifacts"));
  const signing = signer({ dataFolder, entropy: systemEntropy });
  const registry = openRegistry(state, {
    store,
    signer: signing,
    clock,
    ledger: {
      check: async () => {},
      append: async (entry) => {
        entries.push(entry);
      },
    },
    cacheFolder: join(dataFolder, "cache"),
  });
  const artifact = async (
    name: string,
    { metrics = {}, parent, files = {}, signed = true }: ArtifactFacts = {},
  ) => {
    const folder = join(dataFolder, "made", name);
    await mkdir(folder, { recursive: true });
    await writeArtifact(
      folder,
      { "model.onnx": `the graph of ${name}`, "shared.txt": "the same in all", ...files },
      {
        kind: "toy",
        data: {
          source: "prices.csv",
          fingerprint: "ab".repeat(32),
          from: "2024-01-01",
          to: "2024-12-31",
          symbols: [],
        },
        configuration: { hiddenSize: 8 },
        metrics,
        parameters: 3,
        versions: { fathom: "0.1.0" },
        run: `run-${name}`,
        ...(parent ? { parent } : {}),
        createdAt: "2025-01-01",
      },
    );
    if (signed) await signing.sign(folder);
    return folder;
  };
  return {
    registry,
    state,
    entries,
    clock,
    dataFolder,
    store,
    artifact,
    async add(model, name, facts) {
      const folder = await artifact(name, facts);
      const { version } = await registry.register({ model, folder, note: "", actor: "ann", reason: "new" });
      return version.version;
    },
  };
}
