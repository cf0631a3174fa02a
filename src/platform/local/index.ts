export { systemClock } from "./clock.ts";
export { type LocalContextOptions, localContext } from "./context.ts";
export { systemEntropy } from "./entropy.ts";
export { type LedgerRecord, localLedger, readLedger } from "./ledger.ts";
export { localMarket } from "./market.ts";
export { artifactFolder, localModels } from "./models.ts";
export { type LazyPlatform, lazyPlatform, type PlatformOptions } from "./platform.ts";
export { registeredModels } from "./registered-models.ts";
export { asWriteFailure, systemCode } from "./system-errors.ts";
