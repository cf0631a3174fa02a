import { PlatformError } from "../../base/index.ts";

/** A blob that is not what its name says. */
export function corruptBlob(place: string, sha256: string, received: string): PlatformError {
  return new PlatformError(
    "conflict",
    "ARTIFACT_CORRUPT",
    `${place}: expected SHA-256 ${sha256.slice(0, 12)}..., received ${received}: the file was changed`,
    { file: place },
  );
}

export function missingBlob(place: string, sha256: string): PlatformError {
  return new PlatformError(
    "missing",
    "ARTIFACT_MISSING",
    `${place}: expected the file with SHA-256 ${sha256.slice(0, 12)}..., found none`,
    { file: place },
  );
}

/** The store answered, and refused: wrong keys, no such bucket, no permission. Trying again does not help. */
export function storeRefused(place: string, reason: string): PlatformError {
  return new PlatformError("unavailable", "STORE_REFUSED", `${place}: ${reason}`, { file: place });
}

/** The store did not answer, or failed; another try may succeed. */
export function storeUnavailable(place: string, reason: string, cause?: unknown): PlatformError {
  return new PlatformError("unavailable", "STORE_UNAVAILABLE", `${place}: ${reason}`, { file: place, cause });
}
