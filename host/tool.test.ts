// Ways to a pinned command, with fake commands: shell scripts on PATH, an archive from a local server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, it } from "node:test";
import { cachePath } from "./tool-cache.mjs";
import { provideTool } from "./tool.mjs";
import type { Tool } from "./tool.mjs";

const folder = mkdtempSync(join(tmpdir(), "ratchet-tool-"));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

const sha256Of = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const pretended = (url?: string, sha256 = ""): Tool => ({
  name: "pretended",
  title: "Pretended",
  version: "2.0",
  env: "RATCHET_PRETENDED",
  module: "infra/tools/versitygw",
  package: "example.invalid/nothing",
  versionVariable: "main.Version",
  fits: (printed) => (printed.includes("2.0") ? undefined : `${printed.trim()} is not 2.0`),
  archive: () => (url === undefined ? undefined : { url, sha256 }),
  install: "install Pretended",
});

function command(dir: string, version: string): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "pretended");
  writeFileSync(path, `#!/bin/sh\necho version ${version}\n`, { mode: 0o755 });
  return path;
}

let environments = 0;
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  XDG_CACHE_HOME: join(folder, `cache-${environments++}`),
  RATCHET_PRETENDED: "",
  ...more,
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function archive(version: string): Buffer {
  const dir = join(folder, `archive-${version}`);
  command(join(dir, "pretended-2.0"), version);
  execFileSync("tar", ["-czf", join(dir, "a.tar.gz"), "-C", dir, "pretended-2.0"]);
  return readFileSync(join(dir, "a.tar.gz"));
}

it("takes the path of the environment variable, or fails if it does not work", async () => {
  const path = command(join(folder, "explicit"), "2.0");
  assert.deepEqual(await provideTool(pretended(), { env: environment({ RATCHET_PRETENDED: path }) }), {
    path,
    from: "RATCHET_PRETENDED",
  });
  const missing = provideTool(pretended(), { env: environment({ RATCHET_PRETENDED: "/no/such" }) });
  await assert.rejects(missing, {
    name: "ToolError",
    kind: "resource",
    code: "pretended_missing",
    message: "RATCHET_PRETENDED=/no/such: no executable file",
  });
});

it("takes the first command on PATH that fits", async () => {
  const old = command(join(folder, "old"), "1.0");
  const path = command(join(folder, "new"), "2.0");
  const env = environment({ PATH: `${dirname(old)}:${dirname(path)}:${process.env["PATH"]}` });
  assert.deepEqual(await provideTool(pretended(), { env }), { path, from: "PATH" });
});

it("downloads once for several concurrent callers, and then needs no network", async () => {
  let requests = 0;
  const bytes = archive("2.0");
  const url = await serve((_request, response) => {
    requests++;
    response.end(bytes);
  });
  const env = environment();
  const found = await Promise.all([1, 2, 3].map(() => provideTool(pretended(url, sha256Of(bytes)), { env })));
  assert.deepEqual(found.map(({ from }) => from).sort(), ["cache", "cache", "download"]);
  assert.equal(new Set(found.map(({ path }) => path)).size, 1);
  assert.deepEqual(await provideTool(pretended("http://127.0.0.1:9/"), { env }), {
    path: cachePath(pretended(), env),
    from: "cache",
  });
  assert.equal(requests, 1);
  assert.deepEqual(
    readdirSync(dirname(cachePath(pretended(), env))),
    ["pretended"],
    "no partial file is left",
  );
});

it("gives up a silent server; the error names every reason and what to install", async () => {
  const url = await serve(() => {}); // never answers
  const old = command(join(folder, "too-old"), "1.0");
  const env = environment({ PATH: `${dirname(old)}:${process.env["PATH"]}` });
  await assert.rejects(
    provideTool(pretended(url), { env, silenceMs: 200 }),
    (error: Error & { hint?: string }) => {
      for (const reason of [
        "RATCHET_PRETENDED: not set",
        "too-old/pretended: version 1.0 is not 2.0",
        "cache: no ",
        `download: ${url}: no answer within 0.2 s`,
        "Go: ",
      ])
        assert.ok(error.message.includes(reason), `${reason} in ${error.message}`);
      return error.hint === "install Pretended";
    },
  );
});

it("refuses a download of another version", async () => {
  const bytes = archive("3.1");
  const env = environment();
  const url = await serve((_request, response) => void response.end(bytes));
  const tool = pretended(url, sha256Of(bytes));
  await assert.rejects(provideTool(tool, { env }), /download: version 3\.1 is not 2\.0/);
  assert.deepEqual(readdirSync(dirname(cachePath(pretended(), env))), []);
});

it("refuses a download of another digest before it is unpacked", async () => {
  const bytes = archive("2.0");
  const env = environment();
  const url = await serve((_request, response) => void response.end(bytes));
  const pinned = sha256Of(Buffer.from("what the publisher released"));
  const refused = `download: ${url}: SHA-256 ${sha256Of(bytes)} in place of the pinned ${pinned}`;
  await assert.rejects(provideTool(pretended(url, pinned), { env }), (error: Error) =>
    error.message.includes(refused),
  );
  assert.deepEqual(readdirSync(dirname(cachePath(pretended(), env))), []);
});
