export { asha, type HalvingOptions, successiveHalving } from "./halving.ts";
export { fileJournal, type JobRecord, noJournal, type SearchJournal } from "./journal.ts";
export { randomSearch } from "./random.ts";
export { type SearchOptions, type SearchResult, search, type Trial, type TrialContext } from "./search.ts";
export {
  type Dimension as SearchDimension,
  integerBetween,
  logUniformBetween,
  oneOf,
  type Parameters as SearchParameters,
  type Space as SearchSpace,
  samplePoint,
  uniformBetween,
} from "./space.ts";
export type { Finished, Job, Known, Strategy } from "./strategy.ts";
export { type TpeOptions, tpe } from "./tpe.ts";
