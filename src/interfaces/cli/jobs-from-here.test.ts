import { expect, test } from "vitest";
import type { JobsPort, Platform } from "../../base/index.ts";
import { jobsFrom } from "./jobs-from-here.ts";

test("jobs and schedules start where they were asked for, unless they say where", async () => {
  const asked: unknown[] = [];
  const take = async (request: unknown) => void asked.push(request);
  const { jobs } = jobsFrom("/home/ann", {
    jobs: { submit: take, schedule: take } as unknown as JobsPort,
  } as Platform);
  await jobs.submit({ capability: "drift.check", input: {} });
  await jobs.submit({ capability: "drift.check", input: {}, workingFolder: "/elsewhere" });
  await jobs.schedule({ name: "n", capability: "drift.check", input: {}, cron: "* * * * *" });
  expect(asked).toMatchObject([
    { workingFolder: "/home/ann" },
    { workingFolder: "/elsewhere" },
    { workingFolder: "/home/ann", cron: "* * * * *" },
  ]);
});
