import type { Capability } from "../../base/index.ts";
import { auditErase, auditExport, auditList, auditPersonal, auditVerify } from "./capabilities.ts";

export { auditErase, auditExport, auditList, auditPersonal, auditVerify } from "./capabilities.ts";

/** What the interfaces offer of this service. */
export const auditCapabilities = [
  auditList,
  auditVerify,
  auditExport,
  auditPersonal,
  auditErase,
] as unknown as readonly Capability[];
