/** A failure as an edge shows it: what the caller may know, and nothing of our insides. */
import { type ErrorDetails, type ErrorKind, interrupted, PlatformError } from "../base/index.ts";
import { failureTitles, noSuchCharacter } from "./messages.ts";

export interface Failure {
  /** `bug` is our mistake: everything that was thrown and is not a PlatformError. */
  readonly kind: ErrorKind | "bug";
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** One row for each kind of failure: the only place where failures meet HTTP statuses and exit statuses. */
export const failureTable = {
  input: { httpStatus: 400, exitStatus: 2 },
  forbidden: { httpStatus: 403, exitStatus: 4 },
  missing: { httpStatus: 404, exitStatus: 3 },
  conflict: { httpStatus: 409, exitStatus: 4 },
  unavailable: { httpStatus: 503, exitStatus: 5 },
  interrupted: { httpStatus: 503, exitStatus: 130 },
  bug: { httpStatus: 500, exitStatus: 1 },
} as const satisfies Record<Failure["kind"], { httpStatus: number; exitStatus: number }>;

const isFailedQuery = (error: unknown): error is Error =>
  error instanceof Error && error.cause instanceof Error && /^Failed query: /.test(error.message);

/** SQLSTATE of a text that no PostgreSQL can hold. */
const characterNotInRepertoire = "22021";

/**
 * What to tell the caller of something that was thrown.
 *
 * @param signal the caller's own: whatever is thrown by work that it stopped counts as interrupted
 */
export function failureOf(error: unknown, what: string, signal?: AbortSignal): Failure {
  if (error instanceof PlatformError) {
    const { kind, code, message, details } = error;
    return { kind, code, message, details };
  }
  // The library of queries wraps what the database failed with, and says more than a caller may know.
  if (error instanceof Error && error.cause instanceof PlatformError) return failureOf(error.cause, what);
  if (signal?.aborted) return failureOf(interrupted(what), what);
  if (isFailedQuery(error) && (error.cause as { code?: unknown }).code === characterNotInRepertoire)
    return failureOf(new PlatformError("input", "INPUT_INVALID", noSuchCharacter), what);
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: "bug", code: "INTERNAL", message: reason.replace(/\s*\n\s*/g, " "), details: {} };
}

/** A problem of RFC 9457. `code`, `file`, `line` and `field` are extensions. */
export interface Problem extends ErrorDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly instance?: string;
}

/** A failure as an RFC 9457 object. `type` carries the code of `docs/errors.md`. */
export function problemOf(failure: Failure, status: number = failureTable[failure.kind].httpStatus): Problem {
  return {
    type: `urn:fathom:error:${failure.code.toLowerCase().replaceAll("_", "-")}`,
    title: failureTitles[failure.kind],
    status,
    detail: failure.message,
    code: failure.code,
    ...failure.details,
  };
}
