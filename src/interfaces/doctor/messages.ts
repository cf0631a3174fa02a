/** English text of `fathom doctor`, in one place so that it can be translated. */
import { counted } from "../plural.ts";

export const messages = {
  summary: "Check this installation: what is ready, what is not, and what to do about it",
  node: {
    ok: (version: string) => `Node ${version}`,
    old: (version: string, wanted: string) => `Node ${version}, expected ${wanted}`,
    advice: (wanted: string) => `install Node ${wanted}`,
  },
  engine: {
    ok: (provider: string, ms: number) =>
      `ONNX Runtime multiplies right on ${provider} (${ms.toFixed(1)} ms)`,
    wrong: (expected: string, received: string) => `ONNX Runtime answered ${received}, expected ${expected}`,
    advice: "run npm ci; on Linux, glibc 2.28 or newer is needed. docs/install.md says what a card needs",
  },
  disk: {
    ok: (folder: string, free: string) => `${folder} can be written, ${free} are free`,
    short: (folder: string, free: string) => `${folder} can be written, but only ${free} are free`,
    advice: "free some room, or name another folder with --data-folder",
  },
  memory: {
    ok: (total: string, free: string) => `${total}, of which ${free} are free`,
    short: (total: string, free: string) => `${total}, of which only ${free} are free`,
    advice: "training a large network takes 1 to 4 GiB; end other programs, or raise the container's limit",
  },
  threads: {
    ok: (count: number) => `${count} threads`,
    one: "1 thread: whatever trains slows down whatever answers",
    quota: (count: number, cores: number) => `${count} threads on ${cores} cores' worth of time`,
    advice: "give the machine or the container two cores or more",
    quotaAdvice: "raise the container's CPU limit, or pin it to as many cores (cpuset)",
  },
  database: {
    embedded: (folder: string) => `the embedded database in ${folder} opens`,
    server: (place: string, version: string, applied: number) =>
      `${place} answers: PostgreSQL ${version}, ${counted(applied, "change")} of the tables applied`,
    empty: (place: string, version: string) =>
      `${place} answers: PostgreSQL ${version}, without tables of Fathom; the first start of a server or worker makes them`,
    behind: (place: string, version: string, missing: number) =>
      `${place} answers: PostgreSQL ${version}, ${counted(missing, "change")} of the tables still to be applied`,
    newer: (place: string, unknown: number) =>
      `${place} was changed ${counted(unknown, "time")} by a later version of Fathom`,
    behindAdvice:
      "the next start of a server or worker applies them; take a backup before (docs/operations.md)",
    newerAdvice: "run that later version here too",
    advice: "check DATABASE_URL, that the server runs and that this machine may reach it",
    embeddedAdvice:
      "look at the data folder's owner and permissions, or restore a backup (docs/operations.md)",
  },
  clock: {
    ok: (now: string) => `${now}`,
    before: (now: string, newest: string) => `${now} is before this version of Fathom was made (${newest})`,
    apart: (seconds: number, other: string) => `${seconds} s apart from the clock of ${other}`,
    advice: "set the clock (chrony, systemd-timesyncd); keys, leases and the ledger depend on it",
  },
  port: {
    ok: (host: string, port: number) => `${host}:${port} is free`,
    ours: (host: string, port: number) => `Fathom serves at ${host}:${port}`,
    taken: (host: string, port: number) => `another program listens at ${host}:${port}`,
    advice: "choose another with --port or FATHOM_PORT",
  },
  keys: {
    ok: (count: number) => `${counted(count, "API key is", "API keys are")} valid`,
    none: "no API key yet; the first start of a server prints one",
    later: "not looked at: the tables of the database are of another version",
    soon: (names: string) => `expire within 14 days: ${names}`,
    advice: "fathom keys rotate (docs/operations.md)",
    open: "asked for none (--no-keys)",
  },
  configuration: {
    ok: (count: number) =>
      `right; ${counted(count, "setting is not the default", "settings are not the defaults")}`,
    advice: "correct the name, or remove the variable",
  },
  verdict: (failed: number, warned: number) =>
    failed > 0
      ? `${failed} of the checks failed`
      : warned > 0
        ? "ready, with something to look at"
        : "everything is ready",
} as const;
