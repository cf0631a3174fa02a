import type { Capability } from "../base/index.ts";
import { auditCapabilities } from "../services/audit/index.ts";
import { benchCapabilities } from "../services/bench/index.ts";
import { driftCapabilities } from "../services/drift/index.ts";
import { forecastCapabilities } from "../services/forecast/index.ts";
import { jobsCapabilitiesOf } from "../services/jobs/index.ts";
import { keysCapabilitiesOf } from "../services/keys/index.ts";
import { modelCapabilities } from "../services/model/index.ts";
import { portfolioCapabilities } from "../services/portfolio/index.ts";
import { registryCapabilities } from "../services/registry/index.ts";

/** Everything that Fathom can do: each service adds its list here, and every interface follows. */
export const capabilities: readonly Capability[] = [
  ...forecastCapabilities,
  ...modelCapabilities,
  ...portfolioCapabilities,
  ...registryCapabilities,
  ...driftCapabilities,
  ...benchCapabilities,
  ...jobsCapabilitiesOf(() => capabilities),
  ...auditCapabilities,
  ...keysCapabilitiesOf(() => capabilities),
];
