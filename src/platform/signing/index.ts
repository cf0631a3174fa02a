export { ensureKeyPair } from "./key-file.ts";
export { ArtifactSignature, signatureName } from "./signature.ts";
export { type Signer, type SignerOptions, signer, type Unsigned } from "./signer.ts";
