export { type BackupOptions, backup, refuseTaken } from "./backup.ts";
export type { Manifest } from "./read.ts";
export { type RestoreOptions, restore } from "./restore.ts";
