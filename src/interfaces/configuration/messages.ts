/** English text of the configuration, in one place so that it can be translated. */
export const messages = {
  settings: {
    dataFolder: "where models, checkpoints, the embedded database and the ledger live",
    databaseUrl:
      "the PostgreSQL server that holds the state; the embedded database of the data folder when there is none",
    threads:
      "threads that a training may use; all of the processor's, which jobs that a worker runs at a time share",
    provider: "what trains and runs networks; cuda and webgpu need their libraries",
    debug: "print the stack of a mistake of ours",
  },
  forms: { databaseUrl: "an address such as postgres://user:password@host:5432/database" },
  configVariable: "the configuration file, unless `--config` names one",
  unsignedVariable: "`refuse` (the default) or `warn`: what happens to a model without a signature",
  artifactsVariable:
    "`s3://bucket/prefix` keeps the files of registered models there, with `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; the data folder when it is not set",
  actorVariable:
    "under whose name the command line is written into the ledger; the owner's when it is not set",
  sharedVariable: "read by the tests only: where the shared data lies",
  mistakes: (all: readonly string[]) => all.join("; "),
  unknownSetting: (hint: string) => `is not a setting${hint}`,
  unknownVariable: (name: string, hint: string) => `${name} is set, and is not a variable of Fathom${hint}`,
  serviceLink:
    "; Kubernetes sets it for a service of this name, unless the pod says enableServiceLinks: false",
  notJson: (file: string, reason: string) => `${file}: expected JSON, received ${reason}`,
  notObject: (file: string, received: string) =>
    `${file}: expected a JSON object of settings, received ${received}`,
  bothGiven: (variable: string, fileVariable: string) =>
    `${variable}, ${fileVariable}: expected one of them, received both`,
  fileMissing: (file: string, from: string) => `${from}: expected a file at ${file}, found none`,
  origins: {
    default: "default",
    environment: (variable: string) => `environment ${variable}`,
    flag: (flag: string) => `flag ${flag}`,
  },
  notSet: "not set",
  hidden: "***",
  summary: "Print every setting, where its value comes from, with secrets hidden",
  head: ["setting", "value", "from"],
} as const;
