export { queueSchema } from "./boss.ts";
export { type CheckInput, type Jobs, openJobs } from "./jobs.ts";
export type { WorkerIdentity } from "./presence.ts";
export { type FromProcess, runInProcesses, type ToProcess } from "./processes.ts";
export { thinned } from "./progress.ts";
export { nextTime } from "./schedules.ts";
export { watchSupervisor } from "./watch.ts";
export {
  type Executor,
  type Outcome,
  type Supervision,
  startWorker,
  type Worker,
  type WorkerOptions,
} from "./worker.ts";
