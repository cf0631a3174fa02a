import type { Clock } from "../../base/index.ts";
import type { BlobStore } from "../artifacts/index.ts";
import type { Signer } from "../signing/index.ts";
import type { Database } from "../state/index.ts";
import type { Changes } from "./changes.ts";

/** What the parts of the registry work with. */
export interface World {
  readonly db: Database;
  readonly clock: Clock;
  readonly changes: Changes;
  readonly store: BlobStore;
  readonly signer: Signer;
  /** Where versions that were asked for are kept as folders. */
  readonly cacheFolder: string;
}
