import type { Capability } from "../../base/index.ts";
import { modelDescribe, modelQuantize } from "./capabilities.ts";

export { modelDescribe, modelQuantize } from "./capabilities.ts";
export { DescribeInput, DescribeOutput, QuantizeInput, QuantizeOutput } from "./schema.ts";

/** What the interfaces offer of this service. */
export const modelCapabilities = [modelDescribe, modelQuantize] as unknown as readonly Capability[];
