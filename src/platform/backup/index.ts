export { type BackupOptions, backup, type Manifest } from "./backup.ts";
export { type RestoreOptions, restore } from "./restore.ts";
