import { randomBytes } from "node:crypto";
import type { Entropy } from "../../base/index.ts";

/** The machine's own source of chance. */
export const systemEntropy: Entropy = { randomBytes: (count) => randomBytes(count) };
