export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
export { ledger, ledgerSealed, personalKeys } from "./ledger.ts";
