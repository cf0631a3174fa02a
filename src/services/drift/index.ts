import type { Capability } from "../../base/index.ts";
import { driftCheckCapability } from "./capabilities.ts";

export { driftCheckCapability } from "./capabilities.ts";
export { driftCheck } from "./check.ts";
export { DriftCheckInput, DriftCheckOutput } from "./schema.ts";

/** What the interfaces offer of this service. */
export const driftCapabilities = [driftCheckCapability] as unknown as readonly Capability[];
