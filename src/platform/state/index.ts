export { type Holder, holderOf, type Lock, takeLock } from "./embedded/lock.ts";
export { type Database, openState, type State, type StateOptions } from "./state.ts";
export { fathom, installation, jobEvents, jobSchedules, jobs } from "./tables/index.ts";
