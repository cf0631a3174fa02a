export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
export { jobEvents, jobSchedules, jobs } from "./jobs.ts";
