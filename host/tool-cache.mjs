// Paths of cached commands, and of the package's own files.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./tool.mjs").Tool} Tool */

/**
 * Key: version, digest of the go.sum that pins it, platform.
 * @param {Tool} tool
 * @param {NodeJS.ProcessEnv} env
 */
export function cachePath(tool, env) {
  const sums = readFileSync(join(packageRoot(), tool.module, "go.sum"));
  const digest = createHash("sha256").update(sums).digest("hex").slice(0, 12);
  return join(
    cacheRoot(env),
    `${tool.name}-${tool.version}-${digest}-${process.platform}-${process.arch}`,
    executableName(tool.name),
  );
}

/** `$XDG_CACHE_HOME/ratchet`, by default `~/.cache/ratchet`. @param {NodeJS.ProcessEnv} env */
export function cacheRoot(env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ratchet");
}

/** This file runs from host/ in a clone and from dist/host/ in the package. */
export function packageRoot() {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json"))) {
    if (dirname(dir) === dir) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
    dir = dirname(dir);
  }
  return dir;
}

/** @param {string} name */
export function executableName(name) {
  return process.platform === "win32" ? `${name}.exe` : name;
}
