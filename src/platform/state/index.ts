export { type Holder, holderOf, type Lock, takeLock } from "./embedded/lock.ts";
export { rebuild } from "./migrate.ts";
export { type Database, openState, type State, type StateOptions } from "./state.ts";
export { fathom, installation } from "./tables/index.ts";
