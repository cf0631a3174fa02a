/** A detached signature over the digest of an artifact's manifest, which holds the digests of all other files. */
import { type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";

/** Beside `manifest.json`. */
export const signatureName = "manifest.json.signature";

export const ArtifactSignature = z.object({
  format: z.literal("fathom-signature"),
  version: z.literal(1),
  algorithm: z.literal("ed25519"),
  /** SHA-256 of the manifest that was signed. */
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Which key signed. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  /** Base64. */
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});
export type ArtifactSignature = z.infer<typeof ArtifactSignature>;

export function signManifest(manifest: string, keyId: string, key: KeyObject): ArtifactSignature {
  return {
    format: "fathom-signature",
    version: 1,
    algorithm: "ed25519",
    manifest,
    key: keyId,
    signature: sign(null, messageOf(manifest), key).toString("base64"),
  };
}

export function isSignedBy(manifest: string, signature: ArtifactSignature, key: KeyObject): boolean {
  return verify(null, messageOf(manifest), key, Buffer.from(signature.signature, "base64"));
}

/** What is signed begins with what it is for, so that no signature made for anything else fits. */
function messageOf(manifest: string): Buffer {
  return Buffer.from(`fathom artifact manifest v1\nsha256:${manifest}\n`);
}
