// Finds or makes a pinned third-party command: an explicit path, then PATH, then the cache, then its official download, then Go with
// the pinned module (a folder with go.mod). Says which was taken; when none works, says why each failed. Node's own modules only.
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { goBuild } from "./go-build.mjs";
import { waitForLock } from "./lock.mjs";
import { run } from "./processes.mjs";
import { startProgress } from "./progress.mjs";

/** Longest wait for a server that says nothing, at the start of a transfer and in its middle. */
const SILENCE_MS = 10_000;

/**
 * @typedef {object} Tool
 * @property {string} name file name of the command
 * @property {string} title what people call it
 * @property {string} version the pinned version
 * @property {string} env environment variable that holds an explicit path
 * @property {string} module folder with go.mod, go.sum and tools.go, from the root of the package
 * @property {string} package Go package of the command
 * @property {string} versionVariable Go variable that the linker sets to the version
 * @property {(printed: string) => string | undefined} fits reason why a command with this `--version` output will not do
 * @property {(platform: string, arch: string) => string | undefined} downloadUrl of a .tar.gz that holds the command
 * @property {string} install what a person can do when nothing worked
 *
 * @typedef {{ path: string, from: string }} FoundTool
 */

/** Nothing gave the command. Classified like every error here: by `kind` and `code`. */
export class ToolError extends Error {
  /** @override */
  name = "ToolError";
  kind = /** @type {const} */ ("resource");
  /** @param {string} code @param {string} message @param {string} hint */
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * @param {Tool} tool
 * @param {{ env?: NodeJS.ProcessEnv, say?: (line: string) => void, silenceMs?: number }} [options] env is also what Go runs with
 * @returns {Promise<FoundTool>}
 */
export async function provideTool(tool, { env = process.env, say = () => {}, silenceMs = SILENCE_MS } = {}) {
  const explicit = env[tool.env];
  if (explicit) return explicitTool(tool, explicit);

  const reasons = [`${tool.env}: not set`];
  const fromPath = await toolOnPath(tool, env, reasons);
  if (fromPath) return fromPath;

  const cached = cachePath(tool, env);
  if (isExecutable(cached)) return { path: cached, from: "cache" };
  reasons.push(`cache: no ${cached}`);
  return await makeTool(tool, { cached, env, say, silenceMs, reasons });
}

/** @param {Tool} tool @param {string} path @returns {Promise<FoundTool>} */
async function explicitTool(tool, path) {
  const reason = isExecutable(path) ? await misfit(tool, path) : "no executable file";
  if (reason)
    throw new ToolError(
      `${tool.name}_missing`,
      `${tool.env}=${path}: ${reason}`,
      `unset ${tool.env}, or point it to ${tool.title} ${tool.version}`,
    );
  return { path, from: tool.env };
}

/** @param {Tool} tool @param {NodeJS.ProcessEnv} env @param {string[]} reasons @returns {Promise<FoundTool | undefined>} */
async function toolOnPath(tool, env, reasons) {
  for (const dir of (env.PATH ?? "").split(delimiter)) {
    const path = join(dir || ".", executableName(tool.name));
    if (!isExecutable(path)) continue;
    const reason = await misfit(tool, path);
    if (!reason) return { path, from: "PATH" };
    reasons.push(`PATH: ${path}: ${reason}`);
  }
  if (!reasons.some((reason) => reason.startsWith("PATH"))) reasons.push(`PATH: no ${tool.name}`);
  return undefined;
}

/** Why the command will not do. @param {Tool} tool @param {string} path */
async function misfit(tool, path) {
  const { code, output, killed } = await run(path, ["--version"], { timeoutMs: SILENCE_MS });
  if (code !== 0 || killed) return `--version failed: ${killed ?? lastLine(output)}`;
  return tool.fits(output);
}

/**
 * Downloads or builds into the cache, one process at a time: whoever waited finds the other's work there.
 * @param {Tool} tool @param {{ cached: string, env: NodeJS.ProcessEnv, say: (line: string) => void, silenceMs: number, reasons: string[] }} context
 * @returns {Promise<FoundTool>}
 */
async function makeTool(tool, { cached, env, say, silenceMs, reasons }) {
  const dir = dirname(cached);
  let waiting = false;
  const lock = await waitForLock(`${dir}.lock`, (owner) => {
    if (!waiting)
      say(
        `another process${owner ? ` (pid ${owner.pid})` : ""} is getting ${tool.title} ${tool.version}: waiting for it`,
      );
    waiting = true;
  });
  let partial = "";
  const removePartial = () => rmSync(partial, { recursive: true, force: true });
  try {
    if (isExecutable(cached)) return { path: cached, from: "cache" };
    mkdirSync(dir, { recursive: true });
    for (const left of readdirSync(dir))
      if (left.startsWith("partial-")) rmSync(join(dir, left), { recursive: true, force: true });
    partial = mkdtempSync(join(dir, "partial-"));
    process.on("exit", removePartial);

    const made = join(partial, executableName(tool.name));
    const ways = {
      download: () => download(tool, made, silenceMs),
      Go: () => build(tool, made, env, silenceMs),
    };
    for (const [from, make] of Object.entries(ways)) {
      const reason = (await make()) ?? (await misfit(tool, made));
      if (!reason) {
        renameSync(made, cached);
        return { path: cached, from };
      }
      reasons.push(`${from}: ${reason}`);
    }
    throw new ToolError(
      `${tool.name}_missing`,
      `${tool.title} ${tool.version} could not be had: ${reasons.join("; ")}`,
      tool.install,
    );
  } finally {
    process.off("exit", removePartial);
    removePartial();
    lock.release();
  }
}

/**
 * Official archive, unpacked by `tar`. Returns the reason of a failure.
 * @param {Tool} tool @param {string} made @param {number} silenceMs @returns {Promise<string | undefined>}
 */
async function download(tool, made, silenceMs) {
  const url = tool.downloadUrl(process.platform, process.arch);
  if (!url) return `none for ${process.platform} ${process.arch}`;
  const progress = startProgress(`downloading ${tool.title} ${tool.version}`);
  const dir = dirname(made);
  const archive = join(dir, "archive.tar.gz");
  try {
    await fetchTo(url, archive, silenceMs, (megabytes) => progress.update(`${megabytes} MB`));
  } catch (error) {
    progress.stop();
    return `${url}: ${reasonOf(error)}`;
  }
  const unpacked = await run("tar", ["-xzf", archive, "-C", dir]);
  progress.stop();
  if (unpacked.code !== 0) return `${url}: not a readable archive (${lastLine(unpacked.output)})`;
  const file = readdirSync(dir, { recursive: true, encoding: "utf8" }).find(
    (name) => name.split(/[\\/]/).pop() === executableName(tool.name),
  );
  if (!file) return `${url}: no ${tool.name} in it`;
  if (join(dir, file) !== made) renameSync(join(dir, file), made);
  return undefined;
}

/** @param {string} url @param {string} path @param {number} silenceMs @param {(megabytes: number) => void} onProgress */
async function fetchTo(url, path, silenceMs, onProgress) {
  const abort = new AbortController();
  const silent = () => abort.abort(new Error(`no answer within ${silenceMs / 1000} s`));
  let timer = setTimeout(silent, silenceMs);
  try {
    const response = await fetch(url, { signal: abort.signal, redirect: "follow" });
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    let bytes = 0;
    const body = Readable.fromWeb(/** @type {import("node:stream/web").ReadableStream} */ (response.body));
    body.on("data", (chunk) => {
      clearTimeout(timer);
      timer = setTimeout(silent, silenceMs);
      onProgress(Math.round((bytes += chunk.length) / 1e6));
    });
    await pipeline(body, createWriteStream(path), { signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Tool} tool @param {string} made @param {NodeJS.ProcessEnv} env @param {number} silenceMs @returns {Promise<string | undefined>} */
function build(tool, made, env, silenceMs) {
  return goBuild({
    title: `${tool.title} ${tool.version}`,
    moduleDir: join(packageRoot(), tool.module),
    package: tool.package,
    ldflags: `-s -w -X ${tool.versionVariable}=${tool.version}`,
    output: made,
    env,
    firstAnswerMs: silenceMs,
  });
}

/** Key: version, digest of the go.sum that pins it, platform. @param {Tool} tool @param {NodeJS.ProcessEnv} env */
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
function packageRoot() {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json"))) {
    if (dirname(dir) === dir) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
    dir = dirname(dir);
  }
  return dir;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name */
function executableName(name) {
  return process.platform === "win32" ? `${name}.exe` : name;
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split("\n").pop() || "no output";
}

/** `fetch failed` hides what happened in its cause. @param {unknown} error @returns {string} */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
