export { createTracer, parseTraceparent, type Span, type Tracer, type TracerOptions } from "./traces.ts";
export { type JobWatch, watchJob } from "./watch-job.ts";
