import { PlatformError } from "../errors.ts";
import type { AuditRecord, SignedHead } from "../platform/index.ts";
import { brokenLedger, followLedger, ledgerOrigin } from "./chain.ts";
import { isSignedHead } from "./signed-head.ts";

/**
 * Checks an export without the ledger that it came from: the chain, and that its head was signed.
 *
 * @param lines of the file
 * @param options what to call the file, and the public key that has to be the signer's (SPKI in DER, base64)
 * @returns the signed head. Who does not know its public key knows only that somebody signed it
 * @throws PlatformError `LEDGER_BROKEN` naming the first line that is not what was exported
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  { where, publicKey }: { readonly where: string; readonly publicKey?: string | undefined },
): Promise<SignedHead> {
  let head = ledgerOrigin;
  let signed: SignedHead | undefined;
  for await (const line of lines) {
    if (line === "") continue;
    const next = head.sequence + 1;
    if (signed !== undefined)
      throw brokenLedger(where, next, "nothing after the signed head", "another line");
    const content = parse(line);
    if (content === undefined) throw brokenLedger(where, next, "an entry as JSON", "something else");
    if ("head" in content) signed = content.head;
    else head = followLedger(head, content, { where });
  }
  if (signed === undefined) throw brokenLedger(where, head.sequence + 1, "a signed head at the end", "none");
  if (signed.sequence !== head.sequence || signed.hash !== head.hash)
    throw brokenLedger(where, head.sequence, "the entry that the head names", "another");
  if (!isSignedHead(signed))
    throw brokenLedger(where, head.sequence, "a head with a signature that holds", "another");
  if (publicKey !== undefined && publicKey !== signed.publicKey) {
    const message = `${where}: expected a head signed by ${publicKey}, found one signed by ${signed.publicKey}`;
    throw new PlatformError("conflict", "LEDGER_BROKEN", message);
  }
  return signed;
}

function parse(line: string): AuditRecord | { readonly head: SignedHead } | undefined {
  try {
    const content: unknown = JSON.parse(line);
    return typeof content === "object" && content !== null ? (content as AuditRecord) : undefined;
  } catch {
    return undefined; // the caller says what was expected
  }
}
