/** What a user hears of checkpoints: where an interrupted training goes on, and that one can. */
import type { Context } from "../../base/index.ts";
import type { CheckpointStore } from "../../models/index.ts";

/** The store, which now says when it continues an earlier run and, at an interruption, that there is one to continue. */
export function withNotes(
  store: CheckpointStore,
  { logger, signal }: Pick<Context, "logger" | "signal">,
): CheckpointStore {
  let epoch = 0;
  // Until the store is cleared: a training that is over can still be interrupted before its model is written.
  const note = () => {
    if (epoch > 0)
      logger.info("the training is kept up to its last whole epoch; the same command continues it");
  };
  signal.addEventListener("abort", note, { once: true });
  return {
    async load() {
      const state = await store.load();
      epoch = state?.history.length ?? 0;
      if (state) logger.info(`continues from epoch ${epoch} of an interrupted training`);
      return state;
    },
    async save(state) {
      await store.save(state);
      epoch = state.history.length;
    },
    async clear() {
      signal.removeEventListener("abort", note);
      await store.clear();
    },
  };
}
