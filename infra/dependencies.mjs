// Brings node_modules in line with package-lock.json by `npm ci`, and only where they differ.
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
  // onnxruntime-node's script would fetch CUDA libraries under an npm that runs scripts in spite of .npmrc.
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
 * Why node_modules is not what the lock file says; undefined when it is. npm writes its own hidden lock file as the last act of an
 * install, so an interrupted one has none.
 * @param {string} root
 */
export function staleDependencies(root) {
  const modules = join(root, "node_modules");
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined; // another folder's: npm ci would empty it
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
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockEntry
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

/** npm's lists hold names that are allowed, or names after a `!` that are not. @param {string[] | undefined} list @param {string} name */
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
