/** English text of the jobs room, in one place so that it can be translated. */
export const messages = {
  unknownJob: (id: string) => `expected the id of a job, received ${JSON.stringify(id)}`,
  keyConflict: (key: string, id: string) =>
    `idempotencyKey: expected a new key or the same request again, received ${JSON.stringify(key)}, which job ${id} used for another request`,
  notEnded: (id: string, status: string) =>
    `job ${id}: expected one that failed or was cancelled, found one that is ${status}`,
  leaseLost: (worker: string) => `the worker ${worker} was not heard of for longer than its lease`,
  crashed: (how: string) => `the process that ran the job ended ${how}`,
  timedOut: (seconds: number) => `expected an end within ${seconds} s, received none`,
  refused: "the result of an attempt that had lost its lease was refused",
  presenceUntold: (reason: string) =>
    `the worker could not tell that it runs, and goes on; nothing more is said of it until it can: ${reason}`,
  drained: "the worker was stopped; the job is queued again",
  unknownSchedule: (name: string) =>
    `name: expected the name of a schedule, received ${JSON.stringify(name)}`,
  cronInvalid: (cron: string, reason: string) =>
    `cron: expected five fields (minute, hour, day of the month, month, day of the week), received ${JSON.stringify(cron)}${reason}`,
  timeZoneInvalid: (zone: string) =>
    `timeZone: expected a name of the IANA time zone database, received ${JSON.stringify(zone)}`,
} as const;
