/** What deploy/ says agrees with what the program takes: files parse, and every command, flag, variable and port exists. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parseAllDocuments } from "yaml";
import {
  otherVariables,
  resolveConfiguration,
  secretFileVariables,
  settingSchemas,
  variablesOf,
} from "../src/interfaces/configuration/index.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "..");
const deploy = path.join(root, "deploy");
const read = (name: string) => readFileSync(path.join(deploy, name), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: manifests are read as they come
type Manifest = any;
function documents(name: string): Manifest[] {
  return parseAllDocuments(read(name), { strict: true, merge: true }).map((document) => {
    expect([name, document.errors]).toEqual([name, []]);
    return document.toJS();
  });
}
const manifests = readdirSync(path.join(deploy, "kubernetes"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `kubernetes/${name}`);
const options = readdirSync(path.join(deploy, "kubernetes/options")).map(
  (name) => `kubernetes/options/${name}`,
);
const every = (kind: string) => manifests.flatMap(documents).filter((one) => one.kind === kind);
const compose = documents("compose.yaml")[0];

const known = new Set([
  ...Object.keys(settingSchemas).flatMap(variablesOf),
  ...secretFileVariables.map(({ fileVariable }) => fileVariable),
  ...Object.keys(otherVariables),
]);

/** The help of a command of the built program; null when this build does not have it. */
const pages = new Map<string, string | null>();
async function help(command: string): Promise<string | null> {
  if (!pages.has(command)) {
    const page = await run(process.execPath, ["bin/fathom.js", command, "--help"], { cwd: root }).then(
      ({ stdout }) => stdout,
      (error) => {
        expect(error.stderr).toContain("COMMAND_UNKNOWN");
        console.log(`not checked: this build has no fathom ${command}`);
        return null;
      },
    );
    pages.set(command, page);
  }
  return pages.get(command) ?? null;
}

/** That a command line is one that the program takes. */
async function expectCommand([command, ...words]: readonly string[]): Promise<void> {
  const page = await help(command);
  if (page === null) return;
  for (const flag of words.filter((word) => word.startsWith("--")))
    expect([command, page]).toEqual([command, expect.stringContaining(` ${flag} `)]);
}

/** Variables with values that the settings take. */
function expectEnvironment(variables: Record<string, string>): void {
  for (const name of Object.keys(variables)) expect([...known]).toContain(name);
  for (const [name, value] of Object.entries(variables))
    expect([name, typeof value]).toEqual([name, "string"]);
  resolveConfiguration({ environment: variables });
}

describe("the compose file", () => {
  test("starts a server, two workers and PostgreSQL, with commands and variables that exist", async () => {
    const { server, worker, database } = compose.services;
    expect(worker.deploy.replicas).toBe(2);
    expect(database.image).toBe("postgres:17");
    for (const service of [server, worker]) {
      await expectCommand(service.command);
      expectEnvironment(service.environment);
      expect(service.environment).toHaveProperty("FATHOM_THREADS");
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      expect(service.depends_on.database.condition).toBe("service_healthy");
    }
  });

  test("publishes the port that the image serves, to this machine only", () => {
    const port = /^EXPOSE (\d+)$/m.exec(read("Dockerfile"))?.[1];
    expect(compose.services.server.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(compose.services.database.ports).toBeUndefined();
  });

  test("names volumes and secrets that are declared, and no secret's value", () => {
    for (const service of Object.values<Manifest>(compose.services)) {
      for (const volume of service.volumes ?? [])
        expect(Object.keys(compose.volumes)).toContain(volume.split(":")[0]);
      for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret);
      const values = JSON.stringify(service.environment ?? {});
      for (const [, file] of values.matchAll(/"\/run\/secrets\/([^"]+)"/g))
        expect(service.secrets).toContain(file);
      expect(values).not.toMatch(/postgres:\/\/|:[^"]*@/);
    }
  });

  test("waits longer for a service to stop than the service itself takes", () => {
    const { server } = compose.services;
    expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThan(
      Number(server.environment.FATHOM_STOP_SECONDS),
    );
  });

  test.skipIf(process.platform === "win32")(
    "has its secrets written by the script, once, for this database",
    async () => {
      const folder = path.join(mkdtempSync(path.join(tmpdir(), "fathom-deploy-")), "secrets");
      onTestFinished(() => rmSync(path.dirname(folder), { recursive: true }));
      const script = path.join(deploy, "make-secrets.sh");
      await run("sh", [script, folder]);
      const [password, url] = ["database-password", "database-url"].map((name) =>
        readFileSync(path.join(folder, name), "utf8"),
      );
      expect(password).toMatch(/^[0-9a-f]{48}$/);
      const { POSTGRES_USER, POSTGRES_DB } = compose.services.database.environment;
      expect(url).toBe(`postgres://${POSTGRES_USER}:${password}@database:5432/${POSTGRES_DB}`);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      for (const [name, { file }] of Object.entries<Manifest>(compose.secrets))
        expect(file).toBe(`./secrets/${name}`);
      await expect(run("sh", [script, folder])).rejects.toMatchObject({ code: 4 });
      expect(readFileSync(path.join(folder, "database-password"), "utf8")).toBe(password);
    },
  );
});

describe("the Dockerfile", () => {
  const lines = read("Dockerfile")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const all = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  test("builds in one stage and runs in another, from an image of one major version, as a user without rights", () => {
    expect(all("FROM")).toEqual(["node:22-slim AS build", "node:22-slim"]);
    expect(all("USER")).toEqual(["node"]);
    expect(all("RUN").join()).toContain("npm ci");
    expect(lines.indexOf("USER node")).toBeGreaterThan(lines.lastIndexOf(`RUN ${all("RUN").at(-1)}`));
  });

  test("has commands and variables that the program takes", async () => {
    expect(JSON.parse(all("ENTRYPOINT")[0])).toEqual(["node", "/app/bin/fathom.js"]);
    await expectCommand(JSON.parse(all("CMD")[0]));
    const variables = [
      ...all("ENV")
        .join(" ")
        .matchAll(/(\w+)=(\S+)/g),
    ].map(([, name, value]) => [name, value]);
    const ours = variables.filter(([name]) => name.startsWith("FATHOM_"));
    expect(ours.length).toBe(3);
    expectEnvironment(Object.fromEntries(ours));
    expect(all("EXPOSE")).toEqual([Object.fromEntries(ours).FATHOM_PORT]);
  });

  test("asks the address of its own server whether it is well", async () => {
    const [, program] = /CMD (\[.*\])$/.exec(all("HEALTHCHECK")[0]) ?? [];
    const [node, ...words] = JSON.parse(program);
    expect(node).toBe("node");
    const { createServer } = await import("node:http");
    let status = 200;
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/healthz" ? status : 404;
      response.end();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((ready) => server.once("listening", ready));
    const { port } = server.address() as { port: number };
    const check = () => run(process.execPath, words, { env: { ...process.env, FATHOM_PORT: String(port) } });
    await check();
    status = 503;
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });

  test("copies all that the build and the program read, and nothing that is not there", {
    timeout: 120_000,
  }, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fathom-image-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const stages = read("Dockerfile")
      .replaceAll("\\\n", " ")
      .split(/^FROM .*$/m)
      .slice(1);
    const copies = (stage: string) =>
      [...stage.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names]) => names.split(" "));
    for (const name of copies(stages[0]))
      cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    await run(process.execPath, ["scripts/build.js"], { cwd: folder });
    const image = path.join(folder, "image");
    const fromBuild = [...stages[1].matchAll(/^COPY --from=build \/app\/(\S+) \.\/\S*$/gm)].map(
      ([, name]) => name,
    );
    for (const name of fromBuild.filter((one) => one !== "node_modules"))
      cpSync(path.join(folder, name), path.join(image, name), { recursive: true });
    for (const name of copies(stages[1]))
      cpSync(path.join(root, name), path.join(image, name), { recursive: true });
    symlinkSync(path.join(root, "node_modules"), path.join(image, "node_modules"));
    const { stdout } = await run(process.execPath, ["bin/fathom.js", "doctor", "--json", "--port", "0"], {
      cwd: image,
      env: { ...process.env, FATHOM_DATA_FOLDER: path.join(folder, "data") },
    });
    const { ready, findings } = JSON.parse(stdout);
    expect([findings.filter(({ status }: { status: string }) => status === "fail"), ready]).toEqual([
      [],
      true,
    ]);
  });

  test("sees nothing of the folder but what it copies", () => {
    const ignore = read("Dockerfile.dockerignore").split("\n");
    expect(ignore).toContain("*");
    const stages = read("Dockerfile");
    const copied = [...stages.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names]) => names.split(" "));
    expect(new Set(ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1)))).toEqual(
      new Set(copied),
    );
  });
});

describe("the manifests", () => {
  test.each([...manifests, ...options])("%s parses", (name) => {
    for (const document of documents(name)) expect(document).toBeTypeOf("object");
  });

  test("are all named by the kustomization, and it names no other", () => {
    const [{ resources }] = documents("kubernetes/kustomization.yaml");
    const files = manifests.map((name) => path.basename(name));
    expect(new Set(resources)).toEqual(
      new Set(
        files.filter((name) => name !== "kustomization.yaml").map((name) => name.replace(".example", "")),
      ),
    );
  });

  test("run commands with flags, variables and ports that exist, as a user without rights", async () => {
    const deployments = every("Deployment");
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(["fathom-server", "fathom-worker"]);
    for (const { spec } of deployments) {
      const pod = spec.template.spec;
      expect(pod).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const container of pod.containers) {
        await expectCommand(container.args);
        for (const { name } of container.env) expect([...known]).toContain(name);
        expect(container.env).toContainEqual({
          name: "FATHOM_THREADS",
          valueFrom: { resourceFieldRef: { resource: "requests.cpu" } },
        });
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.anything() },
          limits: { memory: expect.anything() },
        });
        for (const { name } of container.volumeMounts)
          expect(pod.volumes.map((one: Manifest) => one.name)).toContain(name);
      }
      expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
    }
    for (const { data } of every("ConfigMap")) expectEnvironment(data);
    for (const { stringData } of every("Secret")) expectEnvironment(stringData);
  });

  test("probe routes that the server has, at its port", async () => {
    const [server] = every("Deployment")[0].spec.template.spec.containers;
    const ports = server.ports.map((one: Manifest) => [one.name, one.containerPort]);
    expect(ports).toEqual([["http", Number(/^EXPOSE (\d+)$/m.exec(read("Dockerfile"))?.[1])]]);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
      expect(["/healthz", "/readyz"]).toContain(server[probe].httpGet.path);
    expect(server.readinessProbe.httpGet.path).toBe("/readyz");
    const [service] = every("Service");
    expect(service.spec.ports[0].targetPort).toBe("http");
    expect(service.spec.selector).toEqual(every("Deployment")[0].spec.selector.matchLabels);
  });

  test("leave a pod longer than the server takes to stop", () => {
    const pod = every("Deployment")[0].spec.template.spec;
    const pauseMs = Number(/(\d+)\)/.exec(pod.containers[0].lifecycle.preStop.exec.command[2])?.[1]);
    const [{ data }] = every("ConfigMap");
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(
      pauseMs / 1000 + Number(data.FATHOM_STOP_SECONDS),
    );
  });

  test("speak of measurements that a server has", () => {
    const folder = path.join(root, "src/platform/metrics");
    const sources = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "utf8"));
    const texts = [...options, "kubernetes/worker-autoscaler.yaml"].map(read).join("\n");
    const names = new Set([...texts.matchAll(/\bfathom_[a-z_]+/g)].map(([name]) => name));
    expect(names.size).toBeGreaterThan(3);
    for (const name of names)
      expect([name, sources.some((text) => text.includes(`"${name}"`))]).toEqual([name, true]);
  });

  test("scale, keep and shield what is there", () => {
    const names = every("Deployment").map(({ metadata }) => metadata.name);
    const scaled = every("HorizontalPodAutoscaler");
    expect(scaled.map(({ spec }) => spec.scaleTargetRef.name).sort()).toEqual(names);
    const keda = documents("kubernetes/options/keda.yaml")[0];
    expect(names).toContain(keda.spec.scaleTargetRef.name);
    const worker = scaled.find(({ metadata }) => metadata.name === "fathom-worker");
    const metric = worker.spec.metrics[0].external.metric.name;
    expect(keda.spec.triggers[0].metadata.query).toContain(metric);
    const [{ rules }] = documents("kubernetes/options/prometheus-adapter.yaml");
    expect(rules.external[0].name.as).toBe(metric);
    const labels = every("Deployment").map(({ spec }) => spec.selector.matchLabels);
    for (const { spec } of every("PodDisruptionBudget"))
      expect(labels).toContainEqual(spec.selector.matchLabels);
    const [everything] = every("NetworkPolicy");
    expect(everything.spec.policyTypes).toEqual(["Ingress", "Egress"]);
    for (const one of labels) expect(one).toMatchObject(everything.spec.podSelector.matchLabels);
  });
});

beforeAll(async () => {
  expect(await help("serve")).not.toBeNull();
});
