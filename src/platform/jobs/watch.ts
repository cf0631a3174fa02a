import { Worker } from "node:worker_threads";
import { watchdogDescriptor } from "./processes.ts";

/** Starts the watchdog of a process that runs jobs. @param leaseMs after so long without a renewal the process ends */
export function watchSupervisor(leaseMs: number): void {
  new Worker(new URL("./watchdog.js", import.meta.url), {
    workerData: { descriptor: watchdogDescriptor, leaseMs },
  });
}
