/** A forecasting model on the disk: what is written, and what is needed to predict from it again. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";
import { formatTime, type ModelsPort, PlatformError } from "../../base/index.ts";
import { type CleanPrices, type Split, usualInterval } from "../../data/index.ts";
import { inferenceOpset, unpackParameters } from "../../engine/index.ts";
import {
  type Artifact,
  DriftReference,
  encodeSafetensors,
  readArtifact,
  referenceName,
  writeArtifact,
} from "../../models/index.ts";
import type { SampleSet } from "./samples.ts";
import { type TrainInput, TrainInput as TrainInputSchema, type TrainOutput } from "./schema.ts";
import type { TrainedModel } from "./train.ts";

const kind = "forecast";

/** What prediction and evaluation need beside the graph. */
const Configuration = z.object({
  input: TrainInputSchema,
  columns: z.array(z.enum(["open", "high", "low", "close", "volume"])),
  quantiles: z.array(z.number()),
  /** Time of the last bar that training, validation or a label of theirs touched. */
  knownUntil: z.number(),
  facts: z.object({
    riseShare: z.array(z.number()),
    band: z.array(z.object({ lower: z.number().nullable(), upper: z.number().nullable() })),
  }),
  /** Per horizon: the share of the network's forecast that is kept; absent in a model that was trained before it was written down. */
  shrinkage: z.array(z.number()).optional(),
  /** Usual distance between bars, ms; null where no symbol has two, absent in a model of before. */
  interval: z.number().nullable().optional(),
});

export interface ForecastArtifact {
  readonly artifact: Artifact;
  readonly configuration: z.output<typeof Configuration>;
  readonly model: Uint8Array;
  readonly linear: Uint8Array;
  /** What the inputs and forecasts were like; null for a model that was trained before it was kept. */
  readonly reference: DriftReference | null;
}

export async function writeForecastArtifact(
  folder: string,
  parts: {
    readonly trained: TrainedModel;
    readonly input: TrainInput;
    readonly prices: CleanPrices;
    readonly set: SampleSet;
    readonly split: Split;
    readonly output: TrainOutput;
    readonly page: string;
    readonly reference: DriftReference;
    /** Names the test, so that metrics are compared on the same one only. */
    readonly testSet: string;
    readonly run: string;
    /** Digest of the model that this one is to succeed. */
    readonly parent: string | undefined;
    readonly createdAt: number;
  },
): Promise<void> {
  const { trained, input, prices, set, split, output, page, reference, testSet, run, parent, createdAt } =
    parts;
  const { forecaster, fitted, facts } = trained;
  const weights = unpackParameters(forecaster.parameters, fitted.parameters).map(
    ({ name, parameter, values }) =>
      [name, { type: "F32" as const, shape: parameter.shape as readonly number[], data: values }] as const,
  );
  const interval = usualInterval(prices);
  const configuration: z.input<typeof Configuration> = {
    input,
    columns: [...set.columns],
    quantiles: [...forecaster.spec.quantiles],
    knownUntil: split.testFrom,
    facts: {
      riseShare: [...facts.riseShare],
      band: facts.band.map(({ lower, upper }) => ({ lower, upper })),
    },
    shrinkage: [...trained.shrinkage],
    interval: Number.isNaN(interval) ? null : interval,
  };
  await writeArtifact(
    folder,
    {
      "model.onnx": trained.model,
      "linear.onnx": trained.linear,
      "weights.safetensors": encodeSafetensors(new Map(weights), new Map([["format", "fathom"]])),
      "training.jsonl": trained.log.map((record) => `${JSON.stringify(record)}\n`).join(""),
      "report.html": page,
      [referenceName]: `${JSON.stringify(reference)}\n`,
    },
    {
      kind,
      data: {
        source: prices.source,
        fingerprint: prices.fingerprint,
        from: formatTime(set.frame.time.reduce((a, b) => Math.min(a, b))),
        to: formatTime(set.frame.time.reduce((a, b) => Math.max(a, b))),
        symbols: [...prices.symbols],
      },
      configuration,
      metrics: { test: output.test, testSet },
      parameters: output.parameters,
      versions: versions(),
      run,
      ...(parent === undefined ? {} : { parent }),
      createdAt: formatTime(createdAt),
    },
  );
}

/**
 * Finds, reads and verifies a forecasting model, the signature of the bytes that were read included.
 *
 * @throws PlatformError as `ModelsPort.locate` and `ModelsPort.check`; `ARTIFACT_FOREIGN`, `ARTIFACT_CORRUPT`
 */
export async function openForecastArtifact(
  reference: string,
  models: Pick<ModelsPort, "locate" | "check">,
): Promise<ForecastArtifact> {
  const loaded = await readForecastArtifact(await models.locate(reference));
  await models.check(loaded.artifact.folder, loaded.artifact.digest);
  return loaded;
}

/** Reads a forecasting model and checks every digest. @throws PlatformError `ARTIFACT_MISSING`, `ARTIFACT_FOREIGN`, `ARTIFACT_CORRUPT` */
export async function readForecastArtifact(folder: string): Promise<ForecastArtifact> {
  const artifact = await readArtifact(folder, kind);
  return {
    artifact,
    configuration: configurationOf(artifact),
    model: fileOf(artifact, "model.onnx"),
    linear: fileOf(artifact, "linear.onnx"),
    reference: referenceOf(artifact),
  };
}

function referenceOf({ folder, files }: Artifact): DriftReference | null {
  if (!Object.hasOwn(files, referenceName)) return null;
  const parsed = DriftReference.safeParse(JSON.parse(Buffer.from(files[referenceName]).toString("utf8")));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(`${folder}/${referenceName}`, `field ${issue.path.join(".")}: ${issue.message}`);
}

function configurationOf({ folder, manifest }: Artifact): z.output<typeof Configuration> {
  const parsed = Configuration.safeParse(manifest.configuration);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(`${folder}/manifest.json`, `field configuration.${issue.path.join(".")}: ${issue.message}`);
}

function fileOf({ folder, files }: Artifact, name: string): Uint8Array {
  if (Object.hasOwn(files, name)) return files[name];
  throw corrupt(`${folder}/manifest.json`, `expected ${name} among the files, found none`);
}

function corrupt(file: string, message: string): PlatformError {
  return new PlatformError("conflict", "ARTIFACT_CORRUPT", `${file}: ${message}`, { file });
}

/** What made a model: a later reader compares it with what it runs on. */
function versions(): Record<string, string> {
  const versionIn = (file: string | URL) =>
    (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  return {
    fathom: versionIn(new URL("../../../package.json", import.meta.url)), // above `src` and `dist` alike
    onnxruntime: versionIn(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
    node: process.versions.node,
    opset: String(inferenceOpset),
  };
}
