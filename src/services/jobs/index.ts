import type { Capability } from "../../base/index.ts";
import {
  cancelJob,
  deadLetters,
  followJobs,
  jobLogs,
  listJobs,
  listSchedules,
  listWorkers,
  redriveJobs,
  retryJob,
  scheduleJob,
  showJob,
  submitJob,
  unscheduleJob,
} from "./capabilities.ts";

export const jobsCapabilities = [
  submitJob,
  listJobs,
  showJob,
  jobLogs,
  followJobs,
  cancelJob,
  retryJob,
  deadLetters,
  redriveJobs,
  scheduleJob,
  listSchedules,
  unscheduleJob,
  listWorkers,
] as unknown as readonly Capability[];

/** The same, with the output of a job that was followed shown as its own capability shows it. */
export function jobsCapabilitiesOf(all: () => readonly Capability[]): readonly Capability[] {
  const print: Capability["print"] = (job) => {
    const { capability, output } = job as { capability: string; output: unknown };
    const ran = all().find(({ name }) => name === capability);
    return ran?.print && output !== null ? ran.print(output) : JSON.stringify(output, null, 2);
  };
  return jobsCapabilities.map((one) => (one.name === followJobs.name ? { ...one, print } : one));
}
