export { canonicalJson, sha256 } from "./canonical.ts";
export { brokenLedger, followLedger, ledgerOrigin } from "./chain.ts";
export { isSignedHead, signHead } from "./signed-head.ts";
export { verifyExport } from "./verify-export.ts";
