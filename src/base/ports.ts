/**
 * What a capability may ask of the world around it. Services see only these interfaces; `platform/` implements them, and a
 * test passes its own. No code below `interfaces/` reads the environment, the wall clock or a global random source.
 */
import type { JobHandle, Platform } from "./platform/index.ts";
import type { Key } from "./random.ts";
import type { UtcMs } from "./time.ts";

/** Prices as columns, in the order of their source, not yet cleaned: one row is one bar of one symbol. */
export interface PriceTable {
  /** What to call the source in a message: a path, or a name such as "simulated market". */
  readonly source: string;
  /** SHA-256 of the source's bytes, hexadecimal. */
  readonly fingerprint: string;
  /** The distinct symbols; `symbol` indexes them. A file without a symbol column has the one symbol of its file name. */
  readonly symbols: readonly string[];
  readonly symbol: Int32Array;
  /** Opening time of each bar, UTC milliseconds; NaN where the source had none that could be read. */
  readonly time: Float64Array;
  /** Prices and volume; NaN where the cell was missing. Absent columns are null. */
  readonly open: Float64Array | null;
  readonly high: Float64Array | null;
  readonly low: Float64Array | null;
  readonly close: Float64Array;
  readonly volume: Float64Array | null;
  /** Line of the source file of each row (the header is line 1), or its row number for files without lines. */
  readonly line: Int32Array;
}

/** Where prices come from. */
export interface PriceSource {
  /** A path (CSV, CSV.gz, Parquet, JSON), `-` for standard input, or `simulated` for the built-in market. */
  readonly path: string;
  /** Seed of the simulated market. */
  readonly seed?: number;
  /** Only these symbols, and only bars with `from <= time <= to`. */
  readonly symbols?: readonly string[];
  readonly from?: UtcMs;
  readonly to?: UtcMs;
  readonly format?: PriceFormat | undefined;
}

/** How a price file is written, where it does not say so itself or is not to be read as it says. */
export interface PriceFormat {
  /** Names of the columns, in their order, of a file without a header line. */
  readonly header?: readonly string[] | undefined;
  /** Which column is what, by its header; those that are not named are found by the names in use. */
  readonly time?: string | undefined;
  /** The time of the day, where the other column holds dates. */
  readonly clock?: string | undefined;
  readonly symbol?: string | undefined;
  readonly open?: string | undefined;
  readonly high?: string | undefined;
  readonly low?: string | undefined;
  readonly close?: string | undefined;
  readonly volume?: string | undefined;
  /** Multiplies open, high, low and close by adjusted close / close, so that splits and dividends leave no jump. */
  readonly adjust?: boolean | undefined;
  readonly decimal?: "." | "," | undefined;
  /** How 01/02/2020 is read. */
  readonly dateOrder?: "month-first" | "day-first" | undefined;
  /** IANA zone of the times that have a clock and name no zone; UTC when absent. */
  readonly timeZone?: string | undefined;
}

export interface MarketPort {
  read(source: PriceSource, options?: { readonly signal?: AbortSignal }): Promise<PriceTable>;
}

/** Where trained models live. A reference is a path, a name below the data folder, or a version of the registry: `name@champion`. */
export interface ModelsPort {
  /**
   * Fails at once with what `create` and `checkpoints` would fail with after hours of work: a folder of somebody's, a place
   * that cannot be written. Changes nothing. `replaces`: a model has this name, and `create` puts the new one in its place.
   */
  prepare(reference: string): Promise<{ readonly replaces: boolean }>;
  /** Fills a staging folder through `write` and gives it its name only when `write` has returned: all or nothing. */
  create(reference: string, write: (folder: string) => Promise<void>): Promise<string>;
  /** Takes a saved artifact away. @throws PlatformError as `prepare`, and for a version of the registry */
  discard(reference: string): Promise<void>;
  /**
   * The folder of an existing artifact, whose signature was checked.
   *
   * @throws PlatformError `ARTIFACT_MISSING`, `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `SIGNER_UNTRUSTED`; for a version of the
   *   registry also `MODEL_UNKNOWN`, `VERSION_UNKNOWN`, `STORE_*`
   */
  locate(reference: string): Promise<string>;
  /**
   * Judges the signature of an artifact once more, now that its manifest was read: what was located may have been replaced
   * before it was read, and the signature has to be one of the bytes that are used.
   *
   * @param digest SHA-256 of the manifest that was read
   * @throws PlatformError `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `SIGNER_UNTRUSTED`
   */
  check(folder: string, digest: string): Promise<void>;
  /**
   * Signs an artifact that carries no signature, after every digest of it was checked: somebody knows where it comes from.
   *
   * @returns its folder
   * @throws PlatformError `ARTIFACT_*`; `SIGNATURE_INVALID` or `SIGNER_UNTRUSTED` for one that is signed otherwise
   */
  sign(reference: string): Promise<string>;
  /** A folder for the checkpoints of one training run; the same run finds it again after an interruption. */
  checkpoints(run: string): Promise<string>;
}

/** A fact that was recorded, and is never changed. */
export interface LedgerEntry {
  readonly action: string;
  readonly subject: string;
  /** Nothing personal: what is in the chain stays there for good. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Who did it; the one who asked, when absent. */
  readonly actor?: string | undefined;
  /** Data of a person, sealed under a key of their own and outside of the chain, so that it can be erased. */
  readonly personal?:
    | { readonly person: string; readonly data: Readonly<Record<string, unknown>> }
    | undefined;
}

export interface LedgerPort {
  /** Throws what an append would throw now, so that long work does not end with it. */
  check(): Promise<void>;
  append(entry: LedgerEntry): Promise<void>;
}

/** One report of how far a piece of work is. `done` counts in `unit`s up to `total`. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly unit?: string;
  readonly message?: string;
  /** Numbers worth showing beside the bar, such as the current loss. */
  readonly values?: Readonly<Record<string, number>>;
}

export interface ProgressPort {
  report(progress: Progress): void;
}

export interface Clock {
  /** Now, in UTC. */
  now(): UtcMs;
  /** Milliseconds of a clock that never goes back; only differences mean anything. */
  elapsed(): number;
}

/** Bytes that nobody can guess, for keys, ids and nonces. */
export interface Entropy {
  randomBytes(count: number): Uint8Array;
}

export interface Logger {
  info(message: string, values?: Readonly<Record<string, unknown>>): void;
  warn(message: string, values?: Readonly<Record<string, unknown>>): void;
}

/** What runs a network: the processor, or a card that ONNX Runtime has been given the libraries for. */
export const providers = ["cpu", "cuda", "webgpu"] as const;
export type Provider = (typeof providers)[number];

/** What networks are trained and run on. */
export interface Compute {
  readonly provider: Provider;
  /** Threads of the processor to work with. */
  readonly threads: number;
}

/** Everything that reaches a capability beside its input. */
export interface Context {
  readonly compute: Compute;
  readonly market: MarketPort;
  readonly models: ModelsPort;
  readonly ledger: LedgerPort;
  readonly progress: ProgressPort;
  readonly clock: Clock;
  /** The root key when a request names no seed. */
  readonly key: Key;
  readonly logger: Logger;
  /** The durable, shared part of the world: registry, jobs, keys, audit. @throws PlatformError when it cannot be opened */
  platform(): Promise<Platform>;
  /** The job that this call runs as; absent when somebody waits for the answer. */
  readonly job?: JobHandle | undefined;
  readonly signal: AbortSignal;
  /** Who asked, as the ledger names them; the owner of the data folder when absent. */
  readonly actor?: string | undefined;
  /** What the one who asked may do; everything when absent, as for the owner of the data folder. */
  readonly scopes?: readonly string[] | undefined;
}
