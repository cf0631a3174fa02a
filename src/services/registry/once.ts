import type { Context } from "../../base/index.ts";

/** A context whose logger says each line once: work that reads the same prices twice has the same to say of them. */
export function saidOnce(context: Context): Context {
  const said = new Set<string>();
  const once = (say: "info" | "warn"): Context["logger"]["info"] => {
    return (message, values) => {
      const line = JSON.stringify([say, message, values]);
      if (said.has(line)) return;
      said.add(line);
      context.logger[say](message, values);
    };
  };
  return { ...context, logger: { info: once("info"), warn: once("warn") } };
}
