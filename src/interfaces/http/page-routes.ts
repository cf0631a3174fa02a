/** The pages for people: what the server can do, and Swagger UI on its own document. Everything is served from here. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { FastifyInstance } from "fastify";
import { type Capability, PlatformError } from "../../base/index.ts";
import { tagline } from "../messages.ts";
import { jsonSchemaOf } from "../schema.ts";
import { messages } from "./messages.ts";
import { exampleOf, routeOf } from "./openapi/index.ts";
import { pageOperations } from "./server-operations.ts";

export interface PageOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  readonly defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What the page of the documentation is made of: a text of ours, or a file of Swagger UI. */
interface DocsFile {
  readonly type: string;
  readonly text?: () => string;
}

const docsFiles: Readonly<Record<string, DocsFile>> = {
  "style.css": { type: "text/css; charset=utf-8", text: () => styles },
  "start.js": { type: "text/javascript; charset=utf-8", text: () => startScript },
  "swagger-ui.css": { type: "text/css; charset=utf-8" },
  "swagger-ui-bundle.js": { type: "text/javascript; charset=utf-8" },
  "favicon-32x32.png": { type: "image/png" },
};

const html = "text/html; charset=utf-8";

export function pageRoutes(app: FastifyInstance, options: PageOptions): void {
  const landing = landingPage(options);
  const { home, docs, docsFile } = pageOperations(Object.keys(docsFiles));
  app.get("/", { config: { operation: home } }, async (_, reply) => reply.type(html).send(landing));
  app.get("/docs", { config: { operation: docs } }, async (_, reply) => reply.type(html).send(docsPage));
  const require = createRequire(import.meta.url);
  const read = new Map<string, Promise<Buffer>>();
  app.get<{ Params: { file: string } }>(
    "/docs/:file",
    { config: { operation: docsFile } },
    async (request, reply) => {
      const { file } = request.params;
      if (!Object.hasOwn(docsFiles, file)) {
        const message = messages.unknownRoute(request.method, request.url);
        throw new PlatformError("missing", "ROUTE_UNKNOWN", message);
      }
      const { type, text } = docsFiles[file];
      reply.type(type);
      if (text !== undefined) return reply.send(text());
      const bytes = read.get(file) ?? readFile(require.resolve(`@fastify/swagger-ui/static/${file}`));
      read.set(file, bytes);
      return reply.header("cache-control", "public, max-age=3600").send(await bytes);
    },
  );
}

function landingPage({ capabilities, version, defaults }: PageOptions): string {
  const words = messages.landing;
  const items = capabilities.map((capability) => {
    const input = jsonSchemaOf(capability.input);
    const filled = defaults[capability.name] ?? {};
    const example = Object.fromEntries(
      Object.entries(exampleOf(input, input) as object).filter(([name]) => !Object.hasOwn(filled, name)),
    );
    const task =
      capability.mode === "task" ? ` <span class="task">${escapeHtml(words.background)}</span>` : "";
    return `<li>
  <h3><code>POST ${escapeHtml(routeOf(capability))}</code>${task}</h3>
  <p>${escapeHtml(capability.summary)}</p>
  <pre aria-label="${escapeHtml(words.example)}">${escapeHtml(JSON.stringify(example, null, 2))}</pre>
</li>`;
  });
  const links = [
    ["/docs", words.documentation],
    ["/openapi.json", words.document],
    ["/v1/tasks", words.tasks],
    ["/healthz", words.health],
    ["/readyz", words.ready],
  ] as const;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${messages.title}</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<main>
<header>
<h1>${messages.title} <small>${escapeHtml(version)}</small></h1>
<p>${escapeHtml(tagline)}</p>
<nav>${links.map(([href, text]) => `<a href="${href}">${escapeHtml(text)}</a>`).join("\n")}</nav>
</header>
<h2>${escapeHtml(words.capabilities)}</h2>
${items.length > 0 ? `<ul>${items.join("\n")}</ul>` : `<p>${escapeHtml(words.none)}</p>`}
</main>
</body>
</html>
`;
}

const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${messages.docs.title}</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>${messages.docs.noScript}</noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

// A file of its own, since the content security policy allows no script inside a page.
const startScript = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
`;

const styles = `:root { color-scheme: light dark; --ink: #16202c; --soft: #5a6876; --line: #d9e0e7; --back: #ffffff;
  --panel: #f5f7fa; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #2c3844; --back: #11181f;
  --panel: #19222b; --accent: #6db1f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -0.02em; }
h1 small { font-size: 0.9rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
header p { margin: 0.25rem 0 1.25rem; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; padding: 0.75rem 0; border-block: 1px solid var(--line); }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h2 { margin: 2rem 0 1rem; font-size: 1.15rem; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; }
li { border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem; }
h3 { margin: 0; font-size: 1rem; display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; }
li p { margin: 0.25rem 0 0.75rem; }
.task { font-size: 0.75rem; font-weight: 400; color: var(--soft); border: 1px solid var(--line); border-radius: 99px;
  padding: 0.05rem 0.6rem; }
code, pre { font-family: ui-monospace, monospace; }
pre { margin: 0; padding: 0.75rem 1rem; background: var(--panel); border-radius: 6px; font-size: 0.85rem;
  overflow-x: auto; }
`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
