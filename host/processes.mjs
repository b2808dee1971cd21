// Child processes of a script. When the script exits, it kills those that still run, with their own children.
import { spawn } from "node:child_process";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const running = new Set();

process.on("exit", killAll);

export function killAll() {
  for (const child of running) killGroup(child, "SIGKILL");
}

/**
 * Starts a child as leader of a process group. So Ctrl-C does not reach it directly, and its own children are
 * killed with it.
 * @param {string} command @param {string[]} args @param {import("node:child_process").SpawnOptions} [options]
 * @returns {ChildProcess}
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { detached: process.platform !== "win32", ...options });
  running.add(child);
  const forget = () => running.delete(child);
  child.once("exit", forget).once("error", forget);
  return child;
}

/** @param {ChildProcess} child @param {NodeJS.Signals} signal */
export function killGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // it has ended
  }
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [timeoutMs]
 * @property {boolean} [inherit] the child writes to our stderr
 * @property {(line: string) => void} [onLine] called with each line of stdout and stderr
 * @property {(kill: (why: string) => void) => void} [watchdog] gets a function that ends the child early
 *
 * @typedef {{ code: number, output: string, killed?: string }} Ran output: stdout and stderr in order of
 *   arrival;
 *   killed: why the child was ended early
 */

/**
 * Runs a command to its end. Never rejects: a command that cannot be started has code 127.
 * @param {string} command @param {string[]} args @param {RunOptions} [options] @returns {Promise<Ran>}
 */
export function run(command, args, { cwd, env = process.env, timeoutMs, inherit, onLine, watchdog } = {}) {
  return new Promise((resolve) => {
    const child = start(command, args, {
      cwd,
      env,
      stdio: inherit ? ["ignore", 2, 2] : ["ignore", "pipe", "pipe"],
    });
    const output = collect(child, onLine);
    /** @type {string | undefined} */
    let killed;
    const kill = (/** @type {string} */ why) => {
      killed ??= why;
      killGroup(child, "SIGKILL");
    };
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    if (timeoutMs !== undefined) timer = setTimeout(() => kill(`no end within ${timeoutMs} ms`), timeoutMs);
    watchdog?.(kill);
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ code: 127, output: `${output()}${error.message}\n` });
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const end = signal && !killed ? `ended by ${signal}\n` : "";
      resolve({ code: code ?? 128, output: output() + end, killed });
    });
  });
}

/**
 * Returns a function that gives the output so far.
 * @param {ChildProcess} child @param {(line: string) => void} [onLine] @returns {() => string}
 */
function collect({ stdout, stderr }, onLine) {
  let output = "";
  let partial = "";
  const read = (/** @type {string} */ text) => {
    output += text;
    const lines = (partial + text).split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) onLine?.(line);
  };
  stdout?.setEncoding("utf8").on("data", read);
  stderr?.setEncoding("utf8").on("data", read);
  return () => output;
}

/** @param {string} output */
export function lastLine(output) {
  return output.trim().split("\n").pop() || "no output";
}
