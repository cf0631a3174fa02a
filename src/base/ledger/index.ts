export { canonicalJson, sha256 } from "./canonical.ts";
export { brokenAt, follow, origin } from "./chain.ts";
export { isSigned, signHead } from "./signed-head.ts";
export { verifyExport } from "./verify-export.ts";
