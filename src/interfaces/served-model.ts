import { PlatformError } from "../base/index.ts";
import { readForecastArtifact } from "../services/forecast/index.ts";
import type { OpenModel } from "./cli/serve.ts";

/**
 * Checks every digest of a forecast's artifact before the server says that it is ready. Each request checks again what it loads.
 * Artifacts of another kind are served by the inference protocol alone, which checks them itself.
 */
export const openServedModel: OpenModel = async (folder) => {
  await readForecastArtifact(folder).catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.code !== "ARTIFACT_FOREIGN") throw error;
  });
  return { ready: () => true, close: async () => {} };
};
