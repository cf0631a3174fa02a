export { apiKeys } from "./api-keys.ts";
export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
