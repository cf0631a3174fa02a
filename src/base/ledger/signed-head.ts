/** Heads of the chain with a signature: Ed25519 (RFC 8032). */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { AuditHead, SignedHead } from "../platform/index.ts";
import { canonicalJson } from "./canonical.ts";

export function signHead({ sequence, hash }: AuditHead, signedAt: string, key: KeyObject): SignedHead {
  const signature = sign(null, Buffer.from(canonicalJson({ sequence, hash, signedAt })), key);
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    sequence,
    hash,
    signedAt,
    publicKey: publicKey.toString("base64"),
    signature: signature.toString("base64"),
  };
}

/** Whether a head was signed by the key that it names. */
export function isSignedHead({ sequence, hash, signedAt, publicKey, signature }: SignedHead): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), type: "spki", format: "der" });
    const text = Buffer.from(canonicalJson({ sequence, hash, signedAt }));
    return key.asymmetricKeyType === "ed25519" && verify(null, text, key, Buffer.from(signature, "base64"));
  } catch {
    return false; // no key, or none of this kind
  }
}
