import { randomUUID } from "node:crypto";
import type { WorkerIdentity } from "../presence.ts";

/** What a worker of a test says of itself. */
export function testIdentity(what = "a test"): WorkerIdentity {
  return { id: randomUUID(), host: "here", pid: process.pid, what, version: "0.0.0" };
}
