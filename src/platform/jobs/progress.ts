import type { Progress } from "../../base/index.ts";

/** Between two reports of one stage that are passed on; the last one of a stage always is. */
const progressMs = 100;

/** Passes on as many reports as are worth keeping. @param elapsed milliseconds of a clock that never goes back */
export function thinned(
  report: (progress: Progress) => void,
  elapsed: () => number,
): (progress: Progress) => void {
  let last: Progress | undefined;
  let shownMs = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = elapsed();
    const isEnd = progress.total > 0 && progress.done >= progress.total;
    const isSameStage = last?.stage === progress.stage;
    last = progress;
    if (isSameStage && !isEnd && now - shownMs < progressMs) return;
    shownMs = now;
    report(progress);
  };
}
