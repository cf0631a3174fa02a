export { systemCode } from "../../base/index.ts";
export { systemClock } from "./clock.ts";
export { type LocalContextOptions, localContext } from "./context.ts";
export { systemEntropy } from "./entropy.ts";
export { localMarket } from "./market.ts";
export { artifactFolder, localModels } from "./models.ts";
export {
  installationKeyFile,
  type LazyPlatform,
  lazyPlatform,
  ownFolders,
  type PlatformOptions,
} from "./platform.ts";
export { registeredModels } from "./registered-models.ts";
