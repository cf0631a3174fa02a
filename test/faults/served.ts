/** A server of this process with durable jobs, for faults of its clients. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Capability } from "../../src/base/index.ts";
import { buildServer } from "../../src/interfaces/http/index.ts";
import { inputChecker, performer } from "../../src/interfaces/jobs/perform.ts";
import { startWorker } from "../../src/platform/jobs/index.ts";
import { testIdentity } from "../../src/platform/jobs/testing/identity.ts";
import { lazyPlatform, localContext, systemClock } from "../../src/platform/local/index.ts";

export interface Served {
  readonly app: FastifyInstance;
  readonly address: string;
  close(): Promise<void>;
}

export async function serveHere(
  capabilities: readonly Capability[],
  { databaseUrl, running = 1 }: { databaseUrl: string | undefined; running?: number },
): Promise<Served> {
  const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-faults-")));
  const platform = lazyPlatform({ dataFolder, databaseUrl, checkInput: inputChecker(capabilities) });
  const makeContext = (given: object) =>
    localContext({ dataFolder, platform: platform.open, ...given, workingFolder: dataFolder });
  const app = buildServer({
    capabilities,
    version: "0.0.0",
    dataFolder,
    jobs: async () => (await platform.open()).jobs,
    makeContext,
    answerTimeoutMs: 20_000,
  });
  const worker =
    running === 0
      ? undefined
      : startWorker({
          jobs: await platform.jobs(),
          executor: { run: performer({ capabilities, makeContext, onBug: () => {} }), close: async () => {} },
          clock: systemClock,
          logger: { info() {}, warn() {} },
          name: "here",
          identity: testIdentity(),
          concurrency: running,
        });
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    app,
    address,
    async close() {
      await app.close();
      await worker?.stop();
      await platform.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
