/** `fathom doctor`: a line for each check, and an exit status that says whether all is well. */
import type { Clock, Platform } from "../../base/index.ts";
import type { ExtraCommand } from "../cli/run.ts";
import { expectFlags, settingsSchema } from "../configuration/index.ts";
import { failureTable } from "../failure.ts";
import { examine, type Finding } from "./checks.ts";
import { messages } from "./messages.ts";

export interface DoctorOptions {
  readonly clock: Clock;
  readonly nodeVersion: string;
  readonly wantedNode: string;
  readonly platformOf: (dataFolder: string, databaseUrl: string | undefined) => { open(): Promise<Platform> };
}

export function doctorCommand({ platformOf, ...machine }: DoctorOptions): ExtraCommand {
  return {
    name: "doctor",
    summary: messages.summary,
    schema: settingsSchema,
    async run(_, { configuration, dataFolder, compute, json, print }) {
      expectFlags(configuration);
      const findings = await examine({
        ...machine,
        configuration,
        compute,
        openPlatform: () => platformOf(dataFolder, configuration.values.databaseUrl).open(),
      });
      print(json ? JSON.stringify(documentOf(findings)) : reportText(findings));
      return isWell(findings) ? 0 : failureTable.unavailable.exitStatus;
    },
  };
}

const isWell = (findings: readonly Finding[]) => findings.every(({ status }) => status !== "fail");

function documentOf(findings: readonly Finding[]) {
  return { ready: isWell(findings), findings };
}

/** `ok    node  Node v20.20.2`, and what to do on the line below. */
export function reportText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const count = (wanted: Finding["status"]) => findings.filter(({ status }) => status === wanted).length;
  const lines = findings.flatMap(({ check, status, message, advice }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${message}`,
    ...(advice === undefined ? [] : [`${" ".repeat(width + 8)}-> ${advice}`]),
  ]);
  return [...lines, "", messages.verdict(count("fail"), count("warn"))].join("\n");
}
