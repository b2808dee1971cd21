// The package as a user gets it: packed, installed into an empty folder, and run from there.
import "../support/quiet.ts";
import { STUCK_MS } from "../support/limits.ts";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
const OFFLINE = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ENETUNREACH/;

describe("packed install", { timeout: STUCK_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), "ratchet-pack-"));
  const home = join(folder, "home");
  const installed = join(home, "node_modules", "ratchet-rlhf");
  let unreachable: string | false = false;

  before(async () => {
    mkdirSync(home);
    writeFileSync(
      join(home, "package.json"),
      JSON.stringify({ name: "stranger", private: true, type: "module" }),
    );
    const packed = await run(
      "npm",
      ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
      ROOT,
    );
    assert.equal(packed.code, 0, packed.stderr);
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    copyDependencies(home);
    const failure = await install(join(folder, filename));
    if (failure) unreachable = `dependencies are neither in npm's cache nor reachable: ${failure}`;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** npm needs its cache or the registry only for dependencies that the folder lacks. */
  async function install(tarball: string): Promise<string | undefined> {
    for (const reach of ["--offline", "--prefer-offline"]) {
      const { code, stderr } = await run(
        "npm",
        ["install", reach, "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", tarball],
        home,
      );
      if (code === 0) return undefined;
      const reason = OFFLINE.exec(stderr)?.[0];
      assert.ok(reason, stderr);
      if (reach === "--prefer-offline") return reason;
    }
    return undefined;
  }

  it("answers --version by its installed command", async (t) => {
    if (unreachable) return t.skip(unreachable);
    const { code, stdout, stderr } = await run(
      join(home, "node_modules", ".bin", "ratchet"),
      ["--version"],
      home,
    );
    assert.deepEqual([code, stdout.trim()], [0, VERSION], stderr);
  });

  it("writes a starter campaign that it finds valid", async (t) => {
    if (unreachable) return t.skip(unreachable);
    const ratchet = join(home, "node_modules", ".bin", "ratchet");
    const init = await run(ratchet, ["init", "starter"], home);
    assert.equal(init.code, 0, init.stderr);
    const { code, stderr } = await run(ratchet, ["validate", "starter/campaign.yaml"], home);
    assert.equal(code, 0, stderr);
  });

  it("can be imported by each name that it exports", async (t) => {
    if (unreachable) return t.skip(unreachable);
    const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      exports: Record<string, { types: string }>;
    };
    const names = Object.keys(exports).map((name) => `ratchet-rlhf${name.slice(1)}`);
    const script = [
      `for (const name of ${JSON.stringify(names)})`,
      '  if (Object.keys(await import(name)).length === 0) throw new Error(name + " exports nothing");',
    ].join("\n");
    const { code, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], home);
    assert.equal(code, 0, stderr);
    for (const { types } of Object.values(exports)) assert.ok(existsSync(join(installed, types)), types);
  });

  it("has the bundles and the pinned sources for Temporal, and no test", async (t) => {
    if (unreachable) return t.skip(unreachable);
    for (const path of [
      "dist/workflow-bundle.js",
      "dist/label-page/page/main.js",
      "dist/label-page/page/index.html",
      "host/tools/temporal/go.mod",
      "host/tools/temporal/go.sum",
      "dist/dev/parent-watch-main.js",
    ])
      assert.ok(existsSync(join(installed, path)), path);
    for (const path of ["dist/test", "dist/bench", "dist/experiments", "dist/dev/database.test.js"])
      assert.ok(!existsSync(join(installed, path)), path);
  });
});

interface Lock {
  packages: Record<string, { dev?: boolean }>;
}

/** Binaries of other platforms, most of the bytes: onnxruntime's for each system and processor. */
const FOREIGN = new RegExp(
  `onnxruntime-node/bin/[^/]+/(?!${process.platform}$|${process.platform}/${process.arch}(/|$))`,
);

/**
 * Copies this repository's dependencies, without those of development. npm finds them in the folder and
 * installs only the package. To unpack them again takes it longer than all tests of this file.
 */
function copyDependencies(to: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  for (const [path, { dev }] of Object.entries(packages)) {
    // Nested packages are copied with the package that holds them.
    const isTop = path.lastIndexOf("node_modules/") === 0;
    if (!isTop || dev || !existsSync(join(ROOT, path))) continue;
    cpSync(join(ROOT, path), join(to, path), { recursive: true, filter: (file) => !FOREIGN.test(file) });
  }
}

function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  // `npm run` sets variables that a user's shell does not have.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_/.test(name)));
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 64e6 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === "number" ? error.code : 1) : 0, stdout, stderr });
    });
  });
}
