/** Our progress as the protocol wants it: one number that only grows, and words. */
import type { Progress, ProgressPort } from "../../base/index.ts";

/** Between two notifications of one stage. */
const quietMs = 100;

export interface ProgressNote {
  /** Stages that are over and the part of the present one that is done; how many will come nobody knows. */
  readonly progress: number;
  readonly message: string;
}

/** @param elapsed milliseconds of a clock that never goes back */
export function progressNotes(send: (note: ProgressNote) => void, elapsed: () => number): ProgressPort {
  let stage: string | undefined;
  let over = -1;
  let last = -1;
  let sentMs = Number.NEGATIVE_INFINITY;
  return {
    report(one) {
      if (one.stage !== stage) {
        stage = one.stage;
        over++;
        sentMs = Number.NEGATIVE_INFINITY;
      }
      const part = one.total > 0 ? Math.min(1, one.done / one.total) : 0;
      const progress = over + part;
      const now = elapsed();
      if (progress <= last || (part < 1 && now - sentMs < quietMs)) return;
      last = progress;
      sentMs = now;
      send({ progress, message: wordsOf(one) });
    },
  };
}

function wordsOf({ stage, done, total, unit, message }: Progress): string {
  const count = total > 0 ? `${done}/${total}` : String(done);
  return [`${stage}: ${count}`, unit, message].filter((word) => word !== undefined).join(" ");
}
