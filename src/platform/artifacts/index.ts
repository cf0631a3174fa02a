export { download } from "./download.ts";
export { folderStore } from "./folder-store.ts";
export type { S3Options } from "./s3-client.ts";
export { s3Store } from "./s3-store.ts";
export type { Blob, BlobStore, StoredBlob, StoreOptions } from "./store.ts";
