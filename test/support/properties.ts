/**
 * Property tests draw the same examples in every run, so that a change is judged by what it changes. To search further:
 * `PROPERTY_SEED=random PROPERTY_RUNS=5000 npm test`; a failure prints its seed.
 */
import fc from "fast-check";

const { PROPERTY_SEED = "1", PROPERTY_RUNS } = process.env;
fc.configureGlobal({
  ...(PROPERTY_SEED === "random" ? {} : { seed: Number(PROPERTY_SEED) }),
  ...(PROPERTY_RUNS === undefined ? {} : { numRuns: Number(PROPERTY_RUNS) }),
});
