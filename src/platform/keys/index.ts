export { type Keys, type KeysOptions, openKeys } from "./keys.ts";
