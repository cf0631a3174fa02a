/** Where models to serve come from. A source says what there is; loading, batching and reloading are the server's. */

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
  /** A share of the callers, the same ones every time, is answered by another one. */
  readonly canary?: { readonly model: ServableModel; readonly share: number } | undefined;
  /** Gets a copy of the requests; its answers are compared and thrown away. */
  readonly shadow?: ServableModel | undefined;
}

export interface ModelSource {
  /** What answers for a name now; undefined when this source does not have it. @param version only this one */
  find(name: string, version?: string): Promise<ServingPlan | undefined>;
  /** Everything that can be asked for, by name. */
  list(): Promise<readonly Pick<ServableModel, "name" | "version" | "digest">[]>;
}
