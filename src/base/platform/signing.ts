/** Whose signatures on models are believed. */

export interface TrustedKey {
  /** `this installation`, or the name under which it was trusted. */
  readonly name: string;
  /** What signatures name the key by. */
  readonly id: string;
  /** The public key as PEM, to hand to other installations. */
  readonly pem: string;
}

export interface SigningPort {
  /** The installation's own key, made when there is none, and those that it trusts. */
  keys(): Promise<TrustedKey[]>;
  /**
   * Trusts the key of another installation, in the place of one of the same name.
   *
   * @throws PlatformError `SIGNING_KEY_UNUSABLE`, `INPUT_INVALID` for its name
   */
  trust(name: string, pem: string): Promise<TrustedKey>;
}
