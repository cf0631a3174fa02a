/** A model from where it lies: an artifact of Fathom, whose digests are checked, or any ONNX file. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type ModelsPort, PlatformError } from "../../base/index.ts";
import { type OnnxModel, readOnnx } from "../../engine/index.ts";
import { type Manifest, readArtifact } from "../../models/index.ts";

export interface OpenedModel {
  readonly model: OnnxModel;
  /** SHA-256 of the manifest of an artifact, or of the file. */
  readonly digest: string;
  /** Null for a plain ONNX file. */
  readonly manifest: Manifest | null;
}

/**
 * Opens a model.
 *
 * @param reference a path that ends in `.onnx`, or an artifact by name or path
 * @param file which graph of an artifact
 * @throws PlatformError `ARTIFACT_MISSING`, `ARTIFACT_CORRUPT`, `ARTIFACT_FOREIGN`, `ONNX_INVALID`, `ONNX_UNSUPPORTED`
 */
export async function openModel(reference: string, file: string, models: ModelsPort): Promise<OpenedModel> {
  if (isOnnxPath(reference)) {
    const bytes = await readFile(reference).catch((cause: unknown) => {
      throw new PlatformError(
        "missing",
        "ARTIFACT_MISSING",
        `${reference}: expected an ONNX file, found none that can be read`,
        { file: reference, cause },
      );
    });
    const digest = createHash("sha256").update(bytes).digest("hex");
    return { model: readOnnx(bytes, basename(reference)), digest, manifest: null };
  }
  const { folder, files, digest, manifest } = await readArtifact(await models.locate(reference));
  await models.check(folder, digest);
  if (!Object.hasOwn(files, file)) {
    const graphs = Object.keys(files).filter(isOnnxPath);
    throw new PlatformError(
      "missing",
      "ARTIFACT_MISSING",
      `${reference}: expected ${graphs.join(" or ")}, received ${JSON.stringify(file)}`,
      { field: "file" },
    );
  }
  return { model: readOnnx(files[file], file), digest, manifest };
}

function isOnnxPath(path: string): boolean {
  return path.toLowerCase().endsWith(".onnx");
}
