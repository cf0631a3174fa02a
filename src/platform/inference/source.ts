/** Where models to serve come from. A source says what there is; loading, batching and reloading are the server's. */
import type { InferenceTensor } from "./datatypes.ts";

/** A model that can be served now. */
export interface ServableModel {
  /** As requests name it. */
  readonly name: string;
  /** Another one whenever the model is another one. */
  readonly version: string;
  /** SHA-256, hexadecimal, of what the model is: the manifest of an artifact, or the bytes of a plain file. */
  readonly digest: string;
  /**
   * The bytes of the ONNX file, checked against the digest.
   *
   * @throws PlatformError `ARTIFACT_CORRUPT`, `ARTIFACT_FOREIGN` or `ARTIFACT_MISSING`
   */
  read(): Promise<Uint8Array>;
}

/** How the requests for one name are spread over versions. */
export interface ServingPlan {
  /** Whoever asks for no version is answered by this one. */
  readonly primary: ServableModel;
  readonly candidate?: Candidate | undefined;
}

/** A version that is tried beside the one in charge. */
export interface Candidate {
  /** Of the plan: another one whenever the mode, the share or the rules are others. */
  readonly plan: string;
  readonly model: ServableModel;
  /** `canary`: some callers are answered by it. `shadow`: it gets a copy of some requests, and nobody hears its answers. */
  readonly mode: "canary" | "shadow";
  /** Whether a caller is one of them: always the same for the same key. */
  isFor(key: string): boolean;
  /** Is told how each of the two did. */
  observe?(outcome: ArmOutcome): void;
}

/** How one version did at one request. */
export interface ArmOutcome {
  readonly arm: "primary" | "candidate";
  readonly failed: boolean;
  readonly latencyMs: number;
  readonly outputs?: Readonly<Record<string, InferenceTensor>>;
  /** In shadow: what the one in charge answered to the same request. */
  readonly expected?: Readonly<Record<string, InferenceTensor>>;
}

export interface ModelSource {
  /** What answers for a name now; undefined when this source does not have it. @param version only this one */
  find(name: string, version?: string): Promise<ServingPlan | undefined>;
  /** Everything that can be asked for, by name. */
  list(): Promise<readonly Pick<ServableModel, "name" | "version" | "digest">[]>;
}
