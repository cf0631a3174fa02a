import { expect, test } from "vitest";
import { homes } from "../../src/platform/state/testing/homes.ts";
import { forecastCapabilities } from "../../src/services/forecast/index.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { modelCapabilities } from "../../src/services/model/index.ts";
import { sendMalformed } from "./malformed.ts";
import { serveHere } from "./served.ts";
import { crawl } from "./slow-clients.ts";
import { toys } from "./toys.ts";

const { makeHome } = homes[homes.length - 1];

test("refuses malformed requests one by one, and stays up", async () => {
  const capabilities = [...toys, ...jobsCapabilities, ...modelCapabilities, ...forecastCapabilities];
  const home = await makeHome();
  const served = await serveHere(capabilities, { databaseUrl: home.url, running: 0 });
  try {
    const result = await sendMalformed(served.app, served.address, {
      capabilities,
      requests: 1_000,
      seed: 1,
    });
    expect(result.wrong).toEqual([]);
    expect(result.isAlive).toBe(true);
    expect(result.statuses[400]).toBeGreaterThan(100);
    expect(result.statuses[200] + result.statuses[202]).toBeGreaterThan(10); // some are right, or the others prove little
    expect(result.answered).toBeGreaterThan(0.5 * result.connections);
  } finally {
    await served.close();
    await home.remove();
  }
});

test("refuses text that no database can hold as bad input", async () => {
  const home = await makeHome();
  const served = await serveHere(jobsCapabilities, { databaseUrl: home.url, running: 0 });
  try {
    for (const [url, payload] of [
      ["/v1/jobs/redrive", { capability: "\u0000" }],
      ["/v1/jobs/unschedule", { name: "a\u0000" }],
      ["/v1/jobs/list", { capability: "\u0000" }],
    ] as const) {
      const response = await served.app.inject({ method: "POST", url, payload });
      expect(response.json()).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    }
  } finally {
    await served.close();
    await home.remove();
  }
});

test("serves others while slow clients hold their connections", async () => {
  const home = await makeHome();
  const served = await serveHere(toys, { databaseUrl: home.url });
  try {
    const { clients, answered, asked, job, left } = await crawl(served, 100);
    expect([clients, answered, job]).toEqual([100, asked, "done"]);
    expect(left).toBeLessThanOrEqual(2); // the pool of this process's own client
  } finally {
    await served.close();
    await home.remove();
  }
});
