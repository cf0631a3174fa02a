import { PlatformError, writeFailure } from "./errors.ts";

/** The system's error code, such as `ENOENT`, of a failed file or network operation; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof PlatformError || !(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** The system's reasons as `DISK_FULL` or `WRITE_FAILED`; everything else that was thrown passes through unchanged. */
export function asWriteFailure(error: unknown, path: string): unknown {
  return systemCode(error) === undefined ? error : writeFailure(path, error);
}
