import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import {
  type Clock,
  type Compute,
  type Context,
  type JobHandle,
  type Key,
  keyFrom,
  type Logger,
  type Platform,
  type ProgressPort,
} from "../../base/index.ts";
import { signer, type Unsigned } from "../signing/index.ts";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";
import { localMarket } from "./market.ts";
import { localModels } from "./models.ts";
import { lazyPlatform } from "./platform.ts";
import { registeredModels } from "./registered-models.ts";

export interface LocalContextOptions {
  /** Where models, checkpoints and the ledger live; created when first written to. */
  readonly dataFolder: string;
  /** Where relative paths of a request start; the process's own folder when absent. */
  readonly workingFolder?: string;
  readonly signal?: AbortSignal;
  readonly progress?: ProgressPort;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** The processor, with all of its threads, when absent. */
  readonly compute?: Partial<Compute>;
  /** The root key of requests that name no seed; fixed when absent, so that a run repeats itself. */
  readonly key?: Key;
  /** The durable part of the world; the embedded one of the data folder, left open, when absent. */
  readonly platform?: () => Promise<Platform>;
  /** The job that the capability runs as. */
  readonly job?: JobHandle | undefined;
  /** What to do with a model without a signature; `refuse` when absent. */
  readonly unsigned?: Unsigned | undefined;
  /** Who asked, and what they may do; the owner of the data folder, everything, when absent. */
  readonly actor?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** Every port of the context on this machine alone: files in a folder, no service to start. */
export function localContext(options: LocalContextOptions): Context {
  const dataFolder = resolve(options.dataFolder);
  const {
    workingFolder,
    signal = new AbortController().signal,
    clock = systemClock,
    actor,
    unsigned,
  } = options;
  const logger = options.logger ?? { info() {}, warn() {} };
  const platform = options.platform ?? lazyPlatform({ dataFolder, clock, unsigned }).open;
  const signing = signer({ dataFolder, entropy: systemEntropy, unsigned, logger });
  return {
    compute: { provider: "cpu", threads: availableParallelism(), ...options.compute },
    market: localMarket({ workingFolder }),
    models: registeredModels(
      localModels({ dataFolder, workingFolder, signal, signer: signing }),
      platform,
      signal,
    ),
    ledger: {
      check: async () => void (await platform()),
      append: async (entry) => void (await (await platform()).audit.append({ actor, ...entry })),
    },
    progress: options.progress ?? { report() {} },
    clock,
    key: options.key ?? keyFrom(0),
    platform,
    actor,
    logger,
    job: options.job,
    signal,
    scopes: options.scopes,
  };
}
