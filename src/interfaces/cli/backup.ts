/** `fathom backup` and `fathom restore`: one file with everything that a data folder and its database hold. */
import { resolve } from "node:path";
import { z } from "zod";
import { type Capability, capability } from "../../base/index.ts";
import { backup, refuseTaken, restore } from "../../platform/backup/index.ts";
import { type LazyPlatform, systemClock } from "../../platform/local/index.ts";
import { parseInput } from "../call.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { ExtraCommand } from "./run.ts";

const backupFlags = capability({
  name: "backup",
  summary: messages.backupSummary,
  input: z.object({
    out: z.string().min(1).describe("the file to write, such as fathom.tar.gz"),
    replace: z.boolean().default(false).describe("replace an older backup of that name"),
  }),
  output: z.void(),
  run: async () => {},
});

const restoreFlags = capability({
  name: "restore",
  summary: messages.restoreSummary,
  input: z.object({
    from: z.string().min(1).describe("the backup"),
    replace: z.boolean().default(false).describe("remove what is there first"),
  }),
  output: z.void(),
  run: async () => {},
});

type PlatformOf = (dataFolder: string, databaseUrl: string | undefined) => LazyPlatform;

/** Works beside a running server: all tables are those of one moment. */
export function backupCommand(platformOf: PlatformOf): ExtraCommand {
  return {
    ...faceOf(backupFlags),
    async run(raw, { dataFolder, signal, json, print, configuration }) {
      const { out: given, replace } = parseInput(backupFlags, raw, flagName);
      const out = resolve(given);
      const folder = resolve(dataFolder);
      await refuseTaken({ out, replace }); // before a database is started, and brought up to date, for nothing
      const state = await platformOf(folder, configuration.values.databaseUrl).openState();
      const manifest = await backup(state, {
        dataFolder: folder,
        out,
        replace,
        now: systemClock.now(),
        signal,
      });
      const counts = countsOf(manifest);
      print(json ? JSON.stringify({ file: out, ...counts }) : messages.backedUp(out, counts));
    },
  };
}

/** Needs the data folder for itself: a server must not run on it. */
export function restoreCommand(platformOf: PlatformOf): ExtraCommand {
  return {
    ...faceOf(restoreFlags),
    async run(raw, { dataFolder, signal, json, print, configuration }) {
      const { from: given, replace } = parseInput(restoreFlags, raw, flagName);
      const [folder, from] = [resolve(dataFolder), resolve(given)];
      const platform = platformOf(folder, configuration.values.databaseUrl);
      let release = async () => {};
      const open = async () => {
        release = await platform.claim(messages.restoreName);
        return await platform.openState();
      };
      try {
        const manifest = await restore(open, { dataFolder: folder, from, replace, signal });
        const { audit } = await platform.open();
        await audit.append({
          action: "state.restore",
          subject: manifest.createdAt,
          payload: { ...countsOf(manifest), replaced: replace },
        });
        const { sequence } = await audit.verify({ signal });
        const counts = countsOf(manifest);
        print(json ? JSON.stringify({ from, ...counts }) : messages.restored(from, counts, sequence));
      } finally {
        await release();
      }
    },
  };
}

function faceOf(flags: Pick<Capability, "name" | "summary" | "input">): Omit<ExtraCommand, "run"> {
  return { name: flags.name, summary: flags.summary, schema: jsonSchemaOf(flags.input) };
}

function countsOf({ tables, digests }: Awaited<ReturnType<typeof backup>>) {
  return {
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    files: Object.keys(digests).filter((name) => name.startsWith("files/")).length,
  };
}
