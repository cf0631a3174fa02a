import { capability } from "../../base/index.ts";
import { exportTo, verify } from "./files.ts";
import {
  EraseInput,
  EraseOutput,
  ExportInput,
  ExportOutput,
  ListInput,
  ListOutput,
  ShowInput,
  ShowOutput,
  VerifyInput,
  VerifyOutput,
} from "./schema.ts";
import { entryTable, verdict } from "./tables.ts";

export const auditList = capability({
  name: "audit.list",
  effect: "reads",
  summary: "List what was done, by whom and when, the newest first",
  input: ListInput,
  output: ListOutput,
  isEvidence: true,
  print: entryTable,
  run: async (query, context) => ({ entries: [...(await (await context.platform()).audit.list(query))] }),
});

export const auditVerify = capability({
  name: "audit.verify",
  effect: "reads",
  summary: "Check every entry of the ledger, or of an export, and find the first that was changed",
  input: VerifyInput,
  output: VerifyOutput,
  paths: ["file", "against"],
  print: verdict,
  run: verify,
});

export const auditExport = capability({
  name: "audit.export",
  summary: "Write the ledger as JSON lines with a signed head, to be kept elsewhere",
  input: ExportInput,
  output: ExportOutput,
  paths: ["out"],
  run: exportTo,
});

export const auditPersonal = capability({
  name: "audit.personal",
  summary: "Show the personal data of an entry",
  input: ShowInput,
  output: ShowOutput,
  run: async ({ sequence }, context) => {
    const personal = await (await context.platform()).audit.personal(sequence);
    return { sequence, personal: personal === null ? null : { ...personal } };
  },
});

export const auditErase = capability({
  name: "audit.erase",
  effect: "destroys",
  summary: "Erase the personal data of one person; the chain of entries stays whole",
  input: EraseInput,
  output: EraseOutput,
  run: async ({ subject }, context) => (await context.platform()).audit.erase(subject, context.actor),
});
