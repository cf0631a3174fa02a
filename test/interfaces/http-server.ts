/** A server for tests, called without a port, and how its answers are read. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { onTestFinished } from "vitest";
import { buildServer, type ServerOptions } from "../../src/interfaces/http/index.ts";
import { localContext } from "../../src/platform/local/index.ts";
import { toyJobs } from "./toy-jobs.ts";
import { toys } from "./toys.ts";

export async function server(overrides: Partial<ServerOptions> = {}, { running = 1 } = {}) {
  const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-http-")));
  const { capabilities = toys } = overrides;
  const jobs = toyJobs({ capabilities, dataFolder, running });
  const app = buildServer({
    capabilities,
    version: "1.2.3",
    dataFolder,
    jobs: async () => (await jobs.open()).jobs,
    makeContext: (world) =>
      localContext({ dataFolder, workingFolder: dataFolder, platform: jobs.open, ...world }),
    ...overrides,
  });
  onTestFinished(async () => {
    await app.close();
    await jobs.close();
    await rm(dataFolder, { recursive: true, force: true });
  });
  await app.ready();
  const post = (url: string, payload: object | undefined, headers: Record<string, string> = {}) =>
    app.inject({ method: "POST", url, headers, ...(payload && { payload }) });
  return { app, dataFolder, post, open: jobs.open };
}

/** The state of a task once `condition` holds. */
export async function taskWhen(app: FastifyInstance, href: string, condition: (status: string) => boolean) {
  for (;;) {
    const { task } = (await app.inject(href)).json();
    if (condition(task.status)) return task;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
export const ended = (status: string) => !["queued", "running"].includes(status);

export const jsonRequest = (body: object) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export interface SentEvent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}
export function eventsOf(body: string): SentEvent[] {
  return body
    .split("\n\n")
    .filter((block) => block.startsWith("id: "))
    .map((block) => {
      const lines = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
      return { id: Number(lines.id), event: lines.event, data: JSON.parse(lines.data) };
    });
}
