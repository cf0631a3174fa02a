/** Jobs that somebody asks for at a command line: relative paths in them start where the command was given, whoever runs them. */
import type { Platform } from "../../base/index.ts";

export function jobsFrom(workingFolder: string, platform: Platform): Platform {
  const { jobs } = platform;
  return {
    ...platform,
    jobs: {
      ...jobs,
      submit: (request) => jobs.submit({ workingFolder, ...request }),
      schedule: (request) => jobs.schedule({ workingFolder, ...request }),
    },
  };
}
