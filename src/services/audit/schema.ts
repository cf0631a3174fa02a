import { z } from "zod";

const digest = z.string().describe("SHA-256, hexadecimal");
const sequence = z.int().min(1);

const Entry = z.object({
  sequence,
  time: z.string().describe("ISO 8601 in UTC"),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  payload: z.record(z.string(), z.unknown()),
  payloadDigest: digest,
  sealedDigest: digest.nullable().describe("of personal data outside of the chain, where there is some"),
  previous: digest,
  hash: digest,
});

const SignedHead = z.object({
  sequence: z.int().min(0),
  hash: digest,
  signedAt: z.string(),
  publicKey: z.string().describe("Ed25519, SPKI in DER, base64"),
  signature: z.string(),
});

export const ListInput = z.object({
  action: z.string().min(1).optional().describe("only entries of this action, such as forecast.train"),
  subject: z.string().min(1).optional().describe("only entries about this subject"),
  before: sequence.optional().describe("only entries before this sequence, to go back page by page"),
  limit: z.int().min(1).max(1000).default(20).describe("how many, the newest first"),
});
export const ListOutput = z.object({ entries: z.array(Entry) });

export const VerifyInput = z.object({
  file: z.string().min(1).optional().describe("an export to check instead, without the ledger it came from"),
  against: z
    .string()
    .min(1)
    .optional()
    .describe(
      "an export that was kept elsewhere, which the ledger has to go on from: shows an end that was cut off",
    ),
  publicKey: z.string().min(1).optional().describe("who must have signed the export: a public key in base64"),
});
export const VerifyOutput = z.object({
  entries: z.int().min(0),
  hash: digest.describe("of the last entry"),
  kept: z.int().min(0).nullable().describe("entries of the export that the ledger was compared with"),
  signedAt: z.string().nullable().describe("when the export was made"),
  publicKey: z.string().nullable().describe("whose signature the export carries"),
});

export const ExportInput = z.object({
  out: z.string().min(1).describe("the file to write; one that is there is replaced"),
});
export const ExportOutput = z.object({ file: z.string(), head: SignedHead });

export const EraseInput = z.object({
  subject: z.string().min(1).describe("the person whose data is to be unreadable from now on"),
});
export const EraseOutput = z.object({
  entries: z.int().min(0).describe("how many entries had data of this person"),
});

export const ShowInput = z.object({ sequence });
export const ShowOutput = z.object({
  sequence,
  personal: z.record(z.string(), z.unknown()).nullable().describe("null: there is none, or it was erased"),
});
