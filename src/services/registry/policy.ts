/** What a promotion policy may compare by: a number that the champion's own manifest has. */
import { PlatformError, type RegistryPort, suggest } from "../../base/index.ts";

/** @throws PlatformError `INPUT_INVALID` for a metric that the champion has not; without a champion there is nothing to hold it against */
export async function requireMetric(registry: RegistryPort, model: string, path: string): Promise<void> {
  const champion = await registry.resolve({ model, at: { alias: "champion" } }).catch((error: unknown) => {
    if (error instanceof PlatformError && error.code === "VERSION_UNKNOWN") return undefined;
    throw error;
  });
  if (champion === undefined) return;
  const names = numbersIn(champion.metrics);
  if (names.includes(path)) return;
  const near = suggest(path, names);
  const hint =
    near.length > 0
      ? `did you mean ${near.join(" or ")}?`
      : `it has ${names.slice(0, 5).join(", ") || "none"}`;
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `metric: expected a number among the metrics of ${model}@${champion.version}, received ${JSON.stringify(path)}; ${hint}`,
    { field: "metric" },
  );
}

/** Paths of all finite numbers, such as `test.model.mse`. */
function numbersIn(value: unknown, path = ""): string[] {
  if (typeof value === "number" && Number.isFinite(value)) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    numbersIn(inner, path === "" ? key : `${path}.${key}`),
  );
}
