// Compiles the sources to dist/ and bundles the workflows, each only if its input has changed. `npm run
// build` always does both.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgress } from "../host/progress.mjs";
import { bundlePage, PAGE } from "./page.mjs";
import { isMain, runScript } from "./script.mjs";
import { tsc } from "./tsc.mjs";

/** @typedef {{ sources?: string, workflows?: string }} Stamp digests of the files that dist/ was made from */

/** @param {string} root of the clone */
export async function buildIfChanged(root) {
  const stampFile = join(root, "dist", ".build.json");
  /** @type {Stamp} */
  const stamp = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};

  const sources = digestOf(root, sourceFiles(root));
  if (stamp.sources !== sources) {
    rmSync(stampFile, { force: true });
    await compile(root);
    await bundlePage(root);
    saveStamp(stampFile, { sources, workflows: stamp.workflows });
  }
  const workflows = digestOf(
    root,
    [...filesUnder(join(root, "dist/workflows")), ...filesUnder(join(root, "dist/campaign"))].filter(
      isBundled,
    ),
  );
  if (stamp.workflows !== workflows || !existsSync(join(root, BUNDLE))) {
    await bundleWorkflows(root);
    saveStamp(stampFile, { sources, workflows });
  }
  saveBuild(root, sources);
}

/**
 * Writes dist/build.json, from which a worker knows its build: an installed package has no git. `sources`
 * distinguishes builds of one commit.
 * @param {string} root @param {string} sources
 */
function saveBuild(root, sources) {
  const commit = git(root, ["rev-parse", "HEAD"]);
  const dirty = commit === undefined ? undefined : git(root, ["status", "--porcelain"]) !== "";
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const text = JSON.stringify({ commit, dirty, sources, lock });
  const file = join(root, "dist/build.json");
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

/** Undefined outside a clone, or without git. @param {string} root @param {string[]} args */
function git(root, args) {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

const BUNDLE = "dist/workflow-bundle.js";
const COMMAND = "dist/cli/main.js";

/** @param {string} root */
async function compile(root) {
  const progress = startProgress("compiling");
  await tsc(root, root, progress);
  removeOrphans(root);
  if (existsSync(join(root, COMMAND))) chmodSync(join(root, COMMAND), 0o755);
  progress.done("compiled");
}

/**
 * Deletes the output of deleted sources, which tsc leaves: a deleted test would still run.
 * @param {string} root
 */
function removeOrphans(root) {
  const dist = join(root, "dist");
  for (const path of filesUnder(dist)) {
    const output = /^(.*?)(\.d)?\.(m?)[jt]s(\.map)?$/.exec(relative(dist, path));
    if (!output || path === join(root, BUNDLE) || path.startsWith(join(dist, PAGE))) continue;
    const [, stem, , module] = output;
    const source = join(root, `${stem}.${module}`);
    if (!existsSync(`${source}ts`) && !existsSync(`${source}js`)) rmSync(path);
  }
}

/**
 * Makes the bundle that workers load: they start faster, and a package holds the tested bundle.
 * @param {string} root
 */
async function bundleWorkflows(root) {
  const progress = startProgress("bundling workflows");
  // Imported here, because set-up may have installed it only now.
  const { bundleWorkflowCode, DefaultLogger } = await import("@temporalio/worker");
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, "dist/workflows/index.js"),
    logger: new DefaultLogger("WARN"),
  });
  const bundle = join(root, BUNDLE);
  writeFileSync(`${bundle}.new`, withoutLocalPaths(code, root));
  renameSync(`${bundle}.new`, bundle);
  progress.done("workflows bundled");
}

/**
 * Removes this machine's folders from the source map, so that the same sources give the same bytes.
 * @param {string} code @param {string} root
 */
function withoutLocalPaths(code, root) {
  const prefix = "sourceMappingURL=data:application/json;charset=utf-8;base64,";
  const at = code.lastIndexOf(prefix) + prefix.length;
  const map = JSON.parse(Buffer.from(code.slice(at), "base64").toString().replaceAll(`${root}/`, ""));
  // If node_modules is a link, its files have paths of another folder.
  map.sources = map.sources.map((/** @type {string} */ source) =>
    source.replace(/^.*(?=node_modules\/)/, ""),
  );
  return code.slice(0, at) + Buffer.from(JSON.stringify(map)).toString("base64");
}

/** All files that tsc may read, except packages, which package-lock.json pins. @param {string} root */
function sourceFiles(root) {
  const config = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  const files = ["tsconfig.json", "package.json", "package-lock.json"].map((name) => join(root, name));
  for (const entry of [
    ...config.include.filter((/** @type {string} */ entry) => !entry.includes("*")),
    "infra",
    "host",
  ]) {
    const path = join(root, entry);
    if (entry.endsWith(".ts")) files.push(...(existsSync(path) ? [path] : []));
    else files.push(...filesUnder(path).filter((file) => /\.(m?[jt]s|tsx|css|html|svg)$/.test(file)));
  }
  return files;
}

/** @param {string} path */
function isBundled(path) {
  return path.endsWith(".js") && !path.endsWith(".test.js");
}

/** Sorted, without links; empty if the folder does not exist. @param {string} dir @returns {string[]} */
function filesUnder(dir) {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}

/** @param {string} root @param {string[]} paths */
function digestOf(root, paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const bytes = readFileSync(path);
    hash.update(`${relative(root, path)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** @param {string} file @param {Stamp} stamp */
function saveStamp(file, stamp) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(stamp));
  renameSync(`${file}.new`, file);
}

if (isMain(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  rmSync(join(root, "dist", ".build.json"), { force: true });
  rmSync(join(root, BUNDLE), { force: true });
  await runScript(async () => {
    await buildIfChanged(root);
    return 0;
  });
}
