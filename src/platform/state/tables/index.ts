export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
