/** Models by name, path, or as a version of the registry: `spy`, `./spy`, `spy@champion`, `spy@3`, `spy@sha256:...`. */
import { type ModelsPort, modelReference, type Platform, PlatformError } from "../../base/index.ts";

/** The models port that also finds what the registry has; the registry is opened when a reference asks for it. */
export function registeredModels(
  local: ModelsPort,
  platform: () => Promise<Platform>,
  signal?: AbortSignal,
): ModelsPort {
  const refuseVersion = (reference: string) => {
    if (modelReference(reference) === undefined) return;
    throw new PlatformError(
      "input",
      "INPUT_INVALID",
      `expected the name of a model that can be written, received ${JSON.stringify(reference)}, a version of the registry, which never changes`,
    );
  };
  return {
    ...local,
    async prepare(reference) {
      refuseVersion(reference);
      return local.prepare(reference);
    },
    async create(reference, write) {
      refuseVersion(reference);
      return local.create(reference, write);
    },
    async discard(reference) {
      refuseVersion(reference);
      return local.discard(reference);
    },
    async sign(reference) {
      refuseVersion(reference);
      return local.sign(reference);
    },
    async locate(reference) {
      const version = modelReference(reference);
      if (version === undefined)
        return local.locate(reference).catch((error: unknown) => {
          throw withVersionHint(error, reference);
        });
      const { folder } = await (await platform()).registry.open(version, signal);
      return local.locate(folder);
    },
  };
}

/** Whoever names a model of the registry without a version looks for it in a folder. */
function withVersionHint(error: unknown, reference: string): unknown {
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(reference);
  if (!isName || !(error instanceof PlatformError) || error.code !== "ARTIFACT_MISSING") return error;
  const hint = `${error.message}; a registered model is named with its version, such as ${reference}@champion`;
  return new PlatformError("missing", "ARTIFACT_MISSING", hint, error.details);
}
