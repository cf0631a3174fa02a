import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { ended, eventsOf, server, taskWhen } from "./http-server.ts";
import { toys } from "./toys.ts";

test("runs long work as a task, and tells its progress and its end", async () => {
  const { app, post } = await server();
  const response = await post("/v1/toy/count", { to: 3 });
  expect(response.statusCode).toBe(202);
  const { task } = response.json();
  expect(response.headers.location).toBe(`/v1/tasks/${task.id}`);
  expect(task).toMatchObject({
    capability: "toy.count",
    href: `/v1/tasks/${task.id}`,
    events: `/v1/tasks/${task.id}/events`,
  });

  const done = await taskWhen(app, task.href, ended);
  expect(done).toMatchObject({ status: "done", output: { counted: 3 }, progress: { done: 3, total: 3 } });
  const stream = await app.inject(task.events);
  expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  const events = eventsOf(stream.body);
  expect(events[0].event).toBe("queued");
  expect(events.at(-1)).toMatchObject({ event: "done", data: { output: { counted: 3 } } });
  expect(events.filter(({ event }) => event === "progress").at(-1)?.data).toMatchObject({
    stage: "count",
    done: 3,
    values: { loss: 1 / 3 },
  });
});

test("resumes an event stream after the last event that was seen", async () => {
  const { app, post } = await server();
  const { task } = (await post("/v1/toy/count", {})).json();
  const all = eventsOf((await app.inject(task.events)).body);
  const seen = all[1].id;
  const rest = await app.inject({ url: task.events, headers: { "last-event-id": String(seen) } });
  expect(eventsOf(rest.body)).toEqual(all.filter(({ id }) => id > seen));
  const byQuery = await app.inject(`${task.events}?lastEventId=${seen}`);
  expect(byQuery.body).toBe(rest.body);
  expect((await app.inject(`${task.events}?lastEventId=x`)).json().field).toBe("lastEventId");
  // Whoever has heard everything is told to stay away, or a browser would come back every other second for ever.
  const last = String(all.at(-1)?.id);
  const none = await app.inject({ url: task.events, headers: { "last-event-id": last } });
  expect([none.statusCode, none.body]).toEqual([204, ""]);
});

test("refuses a body in an encoding that it does not read", async () => {
  const { post } = await server();
  const answer = await post("/v1/toy/moving-average", { data: "p.csv" }, { "content-encoding": "gzip" });
  expect(answer.statusCode).toBe(415);
  expect(answer.json().detail).toBe('content-encoding: expected a body as it is, received "gzip"');
});

test("promises no repetition of an answer that it does not keep", async () => {
  const { post } = await server();
  const key = { "idempotency-key": "k-1" };
  const refused = await post("/v1/toy/moving-average", { data: "p.csv" }, key);
  expect(refused.statusCode).toBe(400);
  expect(refused.json().detail).toMatch(/^idempotency-key: expected for a task/);
  const first = (await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }, key)).json();
  const again = (await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }, key)).json();
  expect(again.task.id).toBe(first.task.id);
});

test("runs any capability as a task when asked by query or by header", async () => {
  const { app, post } = await server();
  for (const response of [
    await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }),
    await post("/v1/toy/moving-average", { data: "p.csv" }, { prefer: "respond-async" }),
  ]) {
    expect(response.statusCode).toBe(202);
    const task = await taskWhen(app, response.json().task.href, ended);
    expect(task.output.mean).toBe(0.5);
  }
});

test("refuses bad input before a task starts", async () => {
  const { app, post } = await server();
  expect((await post("/v1/toy/count", { to: 0 })).statusCode).toBe(400);
  expect((await app.inject("/v1/tasks")).json()).toEqual({ tasks: [] });
});

test("tells why a task failed, without our insides", async () => {
  const { app, post } = await server();
  const refused = (await post("/v1/toy/count", { fail: "conflict" })).json().task;
  expect(await taskWhen(app, refused.href, ended)).toMatchObject({
    status: "failed",
    problem: { code: "TRAINING_DIVERGED", status: 409 },
  });
  const broken = (await post("/v1/toy/count", { fail: "bug" })).json().task;
  const task = await taskWhen(app, broken.href, ended);
  expect(task.problem).toMatchObject({ code: "INTERNAL", status: 500 });
  const stream = await app.inject(broken.events);
  expect(eventsOf(stream.body).at(-1)).toMatchObject({
    event: "failed",
    data: { problem: { code: "INTERNAL" } },
  });
  expect(JSON.stringify(task) + stream.body).not.toContain("secret");
});

test("cancels a running task and a waiting one", async () => {
  const { app, post } = await server();
  const long = { to: 100_000, stepMs: 5 };
  const first = (await post("/v1/toy/count", long)).json().task;
  await taskWhen(app, first.href, (status) => status === "running");
  const second = (await post("/v1/toy/count", long)).json().task;
  expect(second.status).toBe("queued");
  const cancelled = await app.inject({ method: "DELETE", url: second.href });
  expect(cancelled.json().task).toMatchObject({ status: "cancelled", problem: { code: "INTERRUPTED" } });
  await app.inject({ method: "DELETE", url: first.href });
  expect(await taskWhen(app, first.href, ended)).toMatchObject({ status: "cancelled" });
  const headers = { "content-type": "application/json" }; // as many clients send it, also without a body
  const again = await app.inject({ method: "DELETE", url: first.href, headers });
  expect(again.json().task.status).toBe("cancelled");
});

test("lets some tasks wait, and refuses the next", async () => {
  const { app, post } = await server({ waitingTasks: 1 });
  const long = { to: 100_000, stepMs: 5 };
  const first = (await post("/v1/toy/count", long)).json().task;
  await taskWhen(app, first.href, (status) => status === "running");
  const second = (await post("/v1/toy/count", { to: 1 })).json().task;
  expect(second.status).toBe("queued");
  const third = await post("/v1/toy/count", long);
  expect(third.statusCode).toBe(503);
  expect(third.json().code).toBe("SERVER_BUSY");
  expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
  await app.inject({ method: "DELETE", url: first.href });
  expect((await taskWhen(app, second.href, ended)).status).toBe("done");
});

test("names files in results, progress and events as a request may name them", async () => {
  const { app, post, dataFolder } = await server();
  await mkdir(join(dataFolder, "models", "goog"), { recursive: true });
  const asked = await post("/v1/toy/locate?mode=job", { artifact: "goog" });
  const task = await taskWhen(app, asked.json().task.href, ended);
  expect(task.output).toEqual({ folder: "models/goog" });
  const events = eventsOf((await app.inject(task.events)).body);
  expect(events.at(-1)).toMatchObject({ event: "done", data: { output: { folder: "models/goog" } } });
  const again = await post("/v1/toy/locate", { artifact: task.output.folder });
  expect(again.json()).toEqual(task.output);

  const written = (await post("/v1/toy/write", { file: "report.html" })).json().task;
  const done = await taskWhen(app, written.href, ended);
  expect(done).toMatchObject({
    output: { report: "./report.html", summary: "report.html was written, and nothing else in ." },
    progress: { message: "writes report.html" },
  });
  const stream = (await app.inject(done.events)).body;
  expect(eventsOf(stream).map(({ event }) => event)).toEqual(expect.arrayContaining(["progress", "log"]));
  expect(stream + JSON.stringify(done)).not.toContain(dataFolder);
});

test("lists as many tasks as are asked for, of one capability or one status", async () => {
  const { app, post } = await server();
  const [first] = await Promise.all(
    ["/v1/toy/count", "/v1/toy/nap?mode=job", "/v1/toy/count"].map(async (url) =>
      taskWhen(app, (await post(url, {})).json().task.href, ended),
    ),
  );
  const listed = async (query: string) => (await app.inject(`/v1/tasks${query}`)).json().tasks;
  expect(first.status).toBe("done");
  expect(await listed("")).toHaveLength(3);
  expect(await listed("?limit=2")).toHaveLength(2);
  expect(await listed("?capability=toy.nap")).toMatchObject([{ capability: "toy.nap" }]);
  expect(await listed("?status=failed&limit=5")).toEqual([]);
});

test("lists tasks, the newest first, without their outputs", async () => {
  const { app, post } = await server();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { task } = (await post("/v1/toy/count", { to: 1, stepMs: 0 })).json();
    ids.unshift(task.id);
    await taskWhen(app, task.href, ended);
  }
  const { tasks } = (await app.inject("/v1/tasks")).json();
  expect(tasks.map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(tasks[0]).toMatchObject({ status: "done", attempt: 1 });
  expect(tasks[0].output).toBeUndefined();
});

test("finds the task of a request that is sent again with its key, and refuses the key for another", async () => {
  const { post } = await server();
  const headers = { "idempotency-key": "4711" };
  const first = (await post("/v1/toy/count", { to: 1 }, headers)).json().task;
  expect((await post("/v1/toy/count", { to: 1 }, headers)).json().task.id).toBe(first.id);
  const other = await post("/v1/toy/count", { to: 2 }, headers);
  expect([other.statusCode, other.json().code]).toEqual([409, "JOB_KEY_CONFLICT"]);
});

test("holds the paths of jobs that are queued or scheduled by name to the data folder", async () => {
  const { post, dataFolder, open } = await server(
    { capabilities: [...toys, ...jobsCapabilities] },
    { running: 0 },
  );
  const asked = { capability: "toy.movingAverage", request: { data: "/etc/passwd" } };
  const outside = await post("/v1/jobs/submit", asked);
  expect([outside.statusCode, outside.json().code]).toEqual([403, "FILE_FORBIDDEN"]);
  const scheduled = await post("/v1/jobs/schedule", { ...asked, name: "x", cron: "0 0 * * *" });
  expect([scheduled.statusCode, scheduled.json().code]).toEqual([403, "FILE_FORBIDDEN"]);
  const inside = await post("/v1/jobs/submit", { ...asked, request: { data: "p.csv" } });
  const { id } = inside.json().job;
  const shown = (await post("/v1/jobs/show", { id })).json();
  expect(shown.input.data).toBe("./p.csv");
  const { jobs } = await open();
  expect((await jobs.find(id)).input).toMatchObject({ data: join(dataFolder, "p.csv") });
  const nested = await post("/v1/jobs/submit", { capability: "jobs.submit", request: asked });
  expect([nested.statusCode, nested.json().code]).toEqual([400, "JOB_CAPABILITY_UNKNOWN"]);
});

test("a job takes a word for the same model as a request does", async () => {
  const served = join(tmpdir(), "fathom-elsewhere", "spy");
  const { post, dataFolder, open } = await server(
    { capabilities: [...toys, ...jobsCapabilities], defaults: { "toy.locate": { artifact: served } } },
    { running: 0 },
  );
  const { jobs } = await open();
  const asked = { capability: "toy.locate", request: { artifact: "spy" } };
  const { task } = (await post("/v1/toy/locate?mode=job", asked.request)).json();
  const { job } = (await post("/v1/jobs/submit", asked)).json();
  await post("/v1/jobs/schedule", { ...asked, name: "nightly", cron: "0 3 * * *" });
  const [scheduled] = await jobs.schedules();
  for (const { input } of [await jobs.find(task.id), await jobs.find(job.id), scheduled])
    expect(input).toEqual({ artifact: served });
  const own = (await post("/v1/jobs/submit", { ...asked, request: { artifact: "models/spy" } })).json();
  expect((await jobs.find(own.job.id)).input).toEqual({ artifact: join(dataFolder, "models", "spy") });
});

test("tells which workers there are, and how many jobs they have", async () => {
  const { app, post } = await server({ capabilities: [...toys, ...jobsCapabilities] });
  const { task } = (await post("/v1/toy/count", { to: 100_000, stepMs: 1 })).json();
  await taskWhen(app, task.href, (status) => status === "running");
  await vi.waitUntil(
    async () => {
      const { workers } = (await post("/v1/jobs/workers", {})).json();
      return workers.length === 1 && workers[0].running === 1;
    },
    { timeout: 20_000 },
  );
  const { workers } = (await post("/v1/jobs/workers", {})).json();
  expect(workers).toMatchObject([{ what: "toys", pid: process.pid, concurrency: 1, alive: true }]);
});
