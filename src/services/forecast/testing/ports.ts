/** Ports that keep nothing: a training for tests, without disk, clock or terminal. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../../base/index.ts";

export function quietPorts(): Pick<
  Context,
  "compute" | "models" | "progress" | "clock" | "logger" | "signal"
> {
  const never = async (): Promise<never> => {
    throw new Error("this test keeps no models");
  };
  return {
    compute: { provider: "cpu", threads: 1 },
    models: {
      prepare: never,
      discard: never,
      create: never,
      locate: never,
      check: never,
      sign: never,
      checkpoints: () => mkdtemp(join(tmpdir(), "fathom-test-checkpoints-")),
    },
    progress: { report() {} },
    clock: { now: () => 0, elapsed: () => 0 },
    logger: { info() {}, warn() {} },
    signal: new AbortController().signal,
  };
}
