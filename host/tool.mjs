// Finds or makes a pinned third-party command. It tries an explicit path, PATH, the cache, the official
// download, and building the pinned Go module (a folder with go.mod). If all fail, the error names the reason
// of each. Only Node's own modules, because set-up uses it before packages are installed.
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { download } from "./download.mjs";
import { goBuild } from "./go-build.mjs";
import { waitForLock } from "./lock.mjs";
import { lastLine, run } from "./processes.mjs";
import { cachePath, executableName, packageRoot } from "./tool-cache.mjs";

/** Longest silence of a server, before and during a download. */
const SILENCE_MS = 10_000;

/**
 * @typedef {object} Tool
 * @property {string} name file name of the command
 * @property {string} title for messages
 * @property {string} version the pinned version
 * @property {string} env environment variable that holds an explicit path
 * @property {string} module folder with go.mod, go.sum and tools.go, from the root of the package
 * @property {string} package Go package of the command
 * @property {string} versionVariable Go variable that the linker sets to the version
 * @property {(printed: string) => string | undefined} fits why a command with this `--version` output is
 *   refused
 * @property {(platform: string, arch: string) => Archive | undefined} archive undefined: there is none
 * @property {string} install hint for the user if all ways failed
 *
 * @typedef {{ url: string, sha256: string }} Archive a .tar.gz that holds the command
 * @typedef {{ path: string, from: string }} FoundTool
 */

/**
 * The command is missing. It has `kind` and `code` like a RatchetError, which cannot be imported before a
 * build.
 */
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
 * @param {{ env?: NodeJS.ProcessEnv, say?: (line: string) => void, silenceMs?: number }} [options] env: also
 *   of Go
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

/**
 * @param {Tool} tool
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} reasons
 * @returns {Promise<FoundTool | undefined>}
 */
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

/** Why the command is refused. @param {Tool} tool @param {string} path */
async function misfit(tool, path) {
  const { code, output, killed } = await run(path, ["--version"], { timeoutMs: SILENCE_MS });
  if (code !== 0 || killed) return `--version failed: ${killed ?? lastLine(output)}`;
  return tool.fits(output);
}

/**
 * @typedef {object} Making
 * @property {string} cached path of the command in the cache
 * @property {NodeJS.ProcessEnv} env
 * @property {(line: string) => void} say
 * @property {number} silenceMs
 * @property {string[]} reasons why the ways tried before failed; grows
 */

/**
 * Downloads or builds into the cache, one process at a time: a process that waited finds the command there.
 * @param {Tool} tool @param {Making} making @returns {Promise<FoundTool>}
 */
async function makeTool(tool, making) {
  const dir = dirname(making.cached);
  let waiting = false;
  const lock = await waitForLock(`${dir}.lock`, (owner) => {
    const other = `another process${owner ? ` (pid ${owner.pid})` : ""}`;
    if (!waiting) making.say(`${other} is getting ${tool.title} ${tool.version}: waiting for it`);
    waiting = true;
  });
  let partial = "";
  const removePartial = () => rmSync(partial, { recursive: true, force: true });
  try {
    if (isExecutable(making.cached)) return { path: making.cached, from: "cache" };
    mkdirSync(dir, { recursive: true });
    for (const left of readdirSync(dir))
      if (left.startsWith("partial-")) rmSync(join(dir, left), { recursive: true, force: true });
    partial = mkdtempSync(join(dir, "partial-"));
    process.on("exit", removePartial);
    return await makeIn(partial, tool, making);
  } finally {
    process.off("exit", removePartial);
    removePartial();
    lock.release();
  }
}

/** @param {string} dir @param {Tool} tool @param {Making} making @returns {Promise<FoundTool>} */
async function makeIn(dir, tool, { cached, env, silenceMs, reasons }) {
  const made = join(dir, executableName(tool.name));
  const ways = {
    download: () => downloadTool(tool, made, silenceMs),
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
    `${tool.title} ${tool.version} was not found, downloaded or built: ${reasons.join("; ")}`,
    tool.install,
  );
}

/** The official archive. @param {Tool} tool @param {string} made @param {number} silenceMs */
async function downloadTool(tool, made, silenceMs) {
  const archive = tool.archive(process.platform, process.arch);
  if (!archive) return `none for ${process.platform} ${process.arch}`;
  return await download({ title: `${tool.title} ${tool.version}`, ...archive, output: made, silenceMs });
}

/**
 * @param {Tool} tool
 * @param {string} made
 * @param {NodeJS.ProcessEnv} env
 * @param {number} silenceMs
 * @returns {Promise<string | undefined>}
 */
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

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
