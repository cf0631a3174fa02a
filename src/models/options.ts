/** What the architectures share: sizes that are checked, and initial values that replace those of their layers. */
import { foldIn, type Key, PlatformError } from "../base/index.ts";
import { type ArrayValue, normalArray, type Parameter, parametersOf } from "../engine/index.ts";

/** @throws PlatformError `MODEL_OPTION_INVALID` naming the first size that is not a whole number of `least` or more */
export function requireSizes(model: string, sizes: Readonly<Record<string, number>>, least = 1): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    const message = `${model}: expected ${name} of ${least} or more, received ${value}`;
    throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
  }
}

/** Replaces a parameter's initial value by another of its size. */
export function startWith({ value }: Parameter, initial: ArrayValue): void {
  value.set(initial.data);
}

/** Every `weight` normal with one deviation and every `bias` 0, as BERT and GPT begin; other parameters stay as they are. */
export function startNormal(model: unknown, deviation: number, key: Key): void {
  for (const { name, parameter } of parametersOf(model)) {
    const field = name.slice(name.lastIndexOf(".") + 1);
    if (field === "weight")
      startWith(parameter, normalArray(foldIn(key, name), parameter.shape as readonly number[], deviation));
    if (field === "bias") parameter.value.fill(0);
  }
}
