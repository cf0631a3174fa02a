export { importLines } from "./import-lines.ts";
export { type Ledger, type LedgerOptions, openLedger } from "./ledger.ts";
export { type LedgerRow, recordOf } from "./rows.ts";
