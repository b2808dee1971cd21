// Child processes of the scripts. None outlives the script: what still runs when it exits is killed, with everything it started.
import { spawn } from "node:child_process";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const running = new Set();

process.on("exit", killAll);

export function killAll() {
  for (const child of running) killGroup(child, "SIGKILL");
}

/**
 * Starts a child as leader of its own process group, so that Ctrl-C reaches it only through us and killing it kills what it started.
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
    // already gone
  }
}

/**
 * Runs a command to its end. Never throws: a command that cannot be started ends with code 127.
 * @param {string} command @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, inherit?: boolean, onLine?: (line: string) => void, watchdog?: (kill: (why: string) => void) => void }} [options]
 *   inherit: the child writes straight to our stderr; onLine: each line of either stream; watchdog: is handed a way to end the child early
 * @returns {Promise<{ code: number, output: string, killed?: string }>} output is both streams, in order of arrival
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const stdio = options.inherit
      ? /** @type {const} */ (["ignore", 2, 2])
      : /** @type {const} */ (["ignore", "pipe", "pipe"]);
    const child = start(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [...stdio],
    });
    let output = "";
    let partial = "";
    /** @type {string | undefined} */
    let killed;
    const kill = (/** @type {string} */ why) => {
      killed ??= why;
      killGroup(child, "SIGKILL");
    };
    const read = (/** @type {string} */ text) => {
      output += text;
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    };
    child.stdout?.setEncoding("utf8").on("data", read);
    child.stderr?.setEncoding("utf8").on("data", read);
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => kill(`no end within ${options.timeoutMs} ms`), options.timeoutMs);
    options.watchdog?.(kill);
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ code: 127, output: `${output}${error.message}\n` });
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128,
        output: signal && !killed ? `${output}ended by ${signal}\n` : output,
        ...(killed === undefined ? {} : { killed }),
      });
    });
  });
}
