// Runs `npm ci` if node_modules differs from package-lock.json.
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../host/processes.mjs";
import { startProgress } from "../host/progress.mjs";

/**
 * @param {string} root of the clone
 */
export async function installDependencies(root) {
  const reason = staleDependencies(root);
  if (!reason) return;
  const progress = startProgress(`npm ci (${reason})`);
  // If npm runs scripts despite .npmrc, that of onnxruntime-node must not download CUDA libraries.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const { code, output } = await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], {
    cwd: root,
    env,
  });
  if (code !== 0) {
    progress.stop();
    const errors = output.split("\n").filter((line) => line.startsWith("npm error"));
    throw new Error(`npm ci failed:\n${errors.slice(0, 20).join("\n") || output.trim()}`);
  }
  progress.done("dependencies installed");
}

/**
 * How node_modules differs from the lock file; undefined if it does not. npm writes its hidden lock file at
 * the end of an install, so an interrupted install has none.
 * @param {string} root
 */
export function staleDependencies(root) {
  const modules = join(root, "node_modules");
  // A link to the modules of another folder: npm ci would delete them.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const wanted = packagesOf(join(root, "package-lock.json"));
  if (!existsSync(join(modules, ".package-lock.json"))) return "no complete node_modules";
  const installed = packagesOf(join(modules, ".package-lock.json"));
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || !forThisPlatform(entry)) continue;
    const found = installed[path];
    if (!found && entry.optional && !entry.os && !entry.cpu) continue;
    if (!found || found.version !== entry.version || found.integrity !== entry.integrity)
      return `${path.slice("node_modules/".length)} is not ${entry.version}`;
    if (!existsSync(join(root, path, "package.json"))) return `${path} is missing`;
  }
  return undefined;
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean } & Platforms} LockEntry
 * @typedef {{ os?: string[], cpu?: string[], libc?: string[] }} Platforms
 * @param {string} path @returns {Record<string, LockEntry>}
 */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
}

/** @param {LockEntry} entry */
function forThisPlatform({ os, cpu, libc }) {
  return (
    allows(os, process.platform) &&
    allows(cpu, process.arch) &&
    (!libc || process.platform !== "linux" || allows(libc, thisLibc()))
  );
}

/**
 * npm's lists hold allowed names, or refused names after a `!`.
 * @param {string[] | undefined} list @param {string} name
 */
function allows(list, name) {
  if (!list || list.length === 0) return true;
  return list.includes(name) || (list.every((entry) => entry.startsWith("!")) && !list.includes(`!${name}`));
}

/** @type {string | undefined} */
let libcName;
function thisLibc() {
  const header = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
    .header;
  return (libcName ??= header.glibcVersionRuntime ? "glibc" : "musl");
}
