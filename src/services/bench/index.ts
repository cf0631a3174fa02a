import type { Capability } from "../../base/index.ts";
import { benchEngineCapability } from "./capabilities.ts";

export { benchEngineCapability } from "./capabilities.ts";
export { type BenchModelName, benchModels, type Model } from "./models.ts";
export { type Column, type Network, networkOf, samplesOf } from "./networks.ts";
export { EngineBenchInput, EngineBenchOutput } from "./schema.ts";
export { type PreparedSteps, prepareSteps } from "./steps.ts";

/** What the interfaces offer of this service. */
export const benchCapabilities = [benchEngineCapability] as unknown as readonly Capability[];
