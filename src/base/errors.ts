import type { ErrorCode, ErrorKind, errorTable } from "./error-table.ts";

/**
 * A failure that the caller can act on. Everything else that is thrown is a bug of ours.
 *
 * The message is for people: it says where, what was expected and what was received, on one line, without a final
 * period and without secrets. The code is stable, and listed with its meaning in `docs/errors.md`.
 *
 * @example
 * new PlatformError("input", "DATA_EMPTY_FILE", "prices.csv: expected a header and rows, received 0 bytes").code; // => "DATA_EMPTY_FILE"
 */
export class PlatformError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "PlatformError";
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  /** Where in the input the problem is, when it has a place: fields by path, files by line. */
  readonly details: ErrorDetails;

  constructor(
    kind: (typeof errorTable)[C]["kind"],
    code: C,
    message: string,
    options: ErrorDetails & ErrorOptions = {},
  ) {
    const { cause, ...details } = options;
    super(message.replace(/\s*\n\s*/g, " "), cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

/** The place of a problem in what the caller gave. */
export interface ErrorDetails {
  readonly file?: string;
  readonly line?: number;
  readonly field?: string;
}

/** The same failure in other words; the cause is the one before. */
export function restated(error: PlatformError, message: string): PlatformError {
  const { kind, code, details } = error;
  return new PlatformError(kind as never, code, message, { ...details, cause: error });
}

/** The error thrown when a caller's abort signal fires; `what` names the work that stopped. */
export function interrupted(what: string): PlatformError {
  return new PlatformError("interrupted", "INTERRUPTED", `${what}: interrupted before it was done`);
}

/** Throws `INTERRUPTED` when the signal has fired. Long loops call it once per piece of work. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw interrupted(what);
}

/**
 * States a rule that holds unless we made a mistake: `invariant(next > last, "time strictly increases")`.
 *
 * @throws Error naming the rule; an edge reports it as a bug, never as bad input
 */
export function invariant(condition: unknown, rule: string): asserts condition {
  if (!condition) throw new Error(`broken rule: ${rule}`);
}

/** A failed write in the user's words: `DISK_FULL`, or `WRITE_FAILED` with the system's reason. */
export function writeFailure(path: string, error: unknown): PlatformError {
  const { code = "unknown", message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new PlatformError(
      "unavailable",
      "DISK_FULL",
      `${path}: expected room on the disk, received ${code}`,
      {
        file: path,
        cause: error,
      },
    );
  }
  return new PlatformError("unavailable", "WRITE_FAILED", `${path}: could not be written: ${message}`, {
    file: path,
    cause: error,
  });
}
