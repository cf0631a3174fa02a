import { interrupted } from "../../base/index.ts";

/** Runs work one piece after the other: long work uses every core already. Who is stopped while waiting leaves the line. */
export function turns(): <T>(signal: AbortSignal, what: string, work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (signal, what, work) => {
    const before = last;
    const leaving = new Promise<never>((_, reject) => {
      const leave = () => reject(interrupted(what));
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    });
    leaving.catch(() => {}); // heard by the race below, or by nobody once the turn has begun
    const turn = Promise.race([before, leaving]).then(() => work());
    // The next one waits for the one before too, when this one leaves the line early.
    last = Promise.allSettled([before, turn]);
    return turn;
  };
}
