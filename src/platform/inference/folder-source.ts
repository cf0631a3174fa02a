/** Models as they lie on the disk: artifacts in the data folder, and plain ONNX files beside them. */
import { createHash } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ModelsPort, PlatformError } from "../../base/index.ts";
import { readArtifact } from "../../models/index.ts";
import type { ModelSource, ServableModel } from "./source.ts";

/** The file of an artifact that is served. */
const modelFile = "model.onnx";
/** Versions of what has no number: the beginning of the digest, so that another model is another version. */
const versionOf = (digest: string) => digest.slice(0, 12);

/**
 * The models of a data folder: `<folder>/<name>/` (an artifact) or `<folder>/<name>.onnx`.
 *
 * @param folder the `models` folder of the data folder
 * @param locate finds the folder of an artifact by its name, also between the two steps of its replacement
 */
export function folderSource(folder: string, locate: ModelsPort["locate"]): ModelSource {
  const files = digestsOfFiles();
  const findOne = async (name: string): Promise<ServableModel | undefined> => {
    if (!/^[^\\/\0.@][^\\/\0@]*$/.test(name)) return undefined; // a path, hidden, or a version of the registry
    const place = await locate(name).catch(nothingThere);
    return place === undefined
      ? fileModel(name, join(folder, `${name}.onnx`), files)
      : artifactModel(name, place);
  };
  return {
    async find(name, version) {
      const model = await findOne(name);
      return model === undefined || (version ?? model.version) !== model.version
        ? undefined
        : { primary: model };
    },
    async list() {
      const entries = await readdir(folder, { withFileTypes: true }).catch(nothingThere);
      const names = (entries ?? []).flatMap((entry) => {
        if (entry.name.startsWith(".")) return [];
        if (!entry.isFile()) return [entry.name];
        return entry.name.endsWith(".onnx") ? [entry.name.slice(0, -".onnx".length)] : [];
      });
      const models = await Promise.all([...new Set(names)].sort().map(findOne));
      return models.filter((model) => model !== undefined);
    },
  };
}

/** One artifact, or one plain ONNX file, wherever it lies. Its name is that of the folder or file. */
export function pathSource(path: string): ModelSource & { readonly name: string } {
  const files = digestsOfFiles();
  const name = basename(path).replace(/\.onnx$/, "");
  const findOne = () => (path.endsWith(".onnx") ? fileModel(name, path, files) : artifactModel(name, path));
  return {
    name,
    async find(asked, version) {
      if (asked !== name) return undefined;
      const model = await findOne();
      return model === undefined || (version ?? model.version) !== model.version
        ? undefined
        : { primary: model };
    },
    async list() {
      const model = await findOne();
      return model === undefined ? [] : [model];
    },
  };
}

async function artifactModel(name: string, folder: string): Promise<ServableModel | undefined> {
  // The digest alone: whether the files are what it says is checked when they are loaded.
  const line = await readFile(join(folder, "manifest.json.sha256"), "utf8").catch(nothingThere);
  const digest = line?.slice(0, 64);
  if (digest === undefined || !/^[0-9a-f]{64}$/.test(digest)) return undefined;
  return {
    name,
    version: versionOf(digest),
    digest,
    async read() {
      const artifact = await readArtifact(folder);
      if (artifact.digest !== digest) throw replaced(name, digest, artifact.digest);
      const bytes = artifact.files[modelFile];
      if (bytes !== undefined) return bytes;
      const message = `${name}: expected an artifact with ${modelFile}, found none in it`;
      throw new PlatformError("conflict", "ARTIFACT_FOREIGN", message, { file: folder });
    },
  };
}

async function fileModel(
  name: string,
  path: string,
  digestOf: (path: string) => Promise<string | undefined>,
): Promise<ServableModel | undefined> {
  const digest = await digestOf(path);
  if (digest === undefined) return undefined;
  return {
    name,
    version: versionOf(digest),
    digest,
    async read() {
      const bytes = await readFile(path);
      const received = createHash("sha256").update(bytes).digest("hex");
      if (received !== digest) throw replaced(name, digest, received);
      return bytes;
    },
  };
}

/** Digests of files, read again only when size or time of a file have changed. */
function digestsOfFiles() {
  const known = new Map<string, { readonly stamp: string; readonly digest: string }>();
  return async (path: string): Promise<string | undefined> => {
    const facts = await stat(path, { bigint: true }).catch(nothingThere);
    if (facts === undefined || !facts.isFile()) return undefined;
    const stamp = `${facts.ino} ${facts.size} ${facts.mtimeNs}`;
    const before = known.get(path);
    if (before?.stamp === stamp) return before.digest;
    const hash = createHash("sha256");
    const file = await open(path);
    for await (const part of file.createReadStream()) hash.update(part as Buffer);
    const digest = hash.digest("hex");
    known.set(path, { stamp, digest });
    return digest;
  };
}

function replaced(name: string, expected: string, received: string): PlatformError {
  const message = `${name}: expected the model of digest ${expected.slice(0, 12)}..., received ${received.slice(0, 12)}...: it is being replaced`;
  return new PlatformError("conflict", "ARTIFACT_CORRUPT", message);
}

function nothingThere(error: unknown): undefined {
  const { code } = error as { code?: string };
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ARTIFACT_MISSING") return undefined;
  throw error;
}
