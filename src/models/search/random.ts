import { foldIn } from "../../base/index.ts";
import { samplePoint } from "./space.ts";
import { requireWhole, type Strategy, trialsBegun } from "./strategy.ts";

/**
 * Random search (Bergstra and Bengio 2012): every trial is a point of its own, whatever the others found. The measure for everything
 * cleverer.
 */
export function randomSearch({
  trials,
  budget = 1,
}: {
  readonly trials: number;
  readonly budget?: number;
}): Strategy {
  requireWhole("random search", { trials });
  return {
    name: "random",
    settings: { trials, budget },
    next: (known) => {
      const trial = trialsBegun(known);
      if (trial >= trials) return known.running.length > 0 ? "wait" : "done";
      return { trial, parameters: samplePoint(known.space, foldIn(known.key, trial)), budget };
    },
  };
}
