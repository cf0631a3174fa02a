/** Wakes those of this process who wait for something to change; what other processes change is found by looking now and then. */
export interface Changes {
  /** Something changed. */
  tell(): void;
  /** Resolves at the next change, after `ms`, or when the signal fires. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export function changes(): Changes {
  const waiting = new Set<() => void>();
  return {
    tell() {
      for (const wake of [...waiting]) wake();
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          waiting.delete(wake);
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        waiting.add(wake);
        signal?.addEventListener("abort", wake, { once: true });
      }),
  };
}
