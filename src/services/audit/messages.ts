const counted = (count: number) => `${count} ${count === 1 ? "entry" : "entries"}`;

/** What the ledger's commands say to people. */
export const messages = {
  none: "no entries",
  head: ["sequence", "time", "actor", "action", "subject"],
  whole: (entries: number, hash: string) =>
    entries === 0
      ? "the ledger is empty: there was nothing to check"
      : `${counted(entries)}, every one as it was recorded; head ${hash}`,
  signed: (publicKey: string, time: string) => `signed at ${time} by ${publicKey}`,
  goesOn: (kept: number) => `it goes on from the ${counted(kept)} of the export`,
  fileOrAgainst:
    "audit verify: expected file (an export alone) or against (the ledger beside an export), received both",
  ledger: "ledger",
  keptEntries: (kept: number) => `the ${counted(kept)} of the export`,
  noMore: (entries: number) => `an end after ${entries}: it was cut off, or this is another ledger`,
} as const;
