import type { Capability } from "../../base/index.ts";
import {
  cancelJob,
  deadLetters,
  followJobs,
  jobLogs,
  listJobs,
  listSchedules,
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
] as unknown as readonly Capability[];
