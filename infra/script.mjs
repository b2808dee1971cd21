// Start and end of the scripts of this folder.
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { say } from "../host/progress.mjs";

/** @type {NodeJS.Signals[]} */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Whether Node was started with the file of this URL, perhaps through links. @param {string} url */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url));
}

/**
 * Runs the main function of a script. A failure prints its message, without a stack. SIGINT, SIGTERM and
 * SIGHUP run the exit handlers (which end children and release locks), then exit with the code that shells
 * expect.
 * @param {() => Promise<number>} main returns the exit code
 */
export async function runScript(main) {
  for (const signal of ENDING) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  try {
    process.exitCode = await main();
  } catch (error) {
    const { message, hint } = /** @type {Error & { hint?: string }} */ (error);
    say(`error: ${message}${hint ? `\n\nhint: ${hint}` : ""}`);
    process.exitCode = 1;
  }
}

/**
 * Runs a command with our terminal and process group and returns its exit code. Ctrl-C reaches it from the
 * terminal; other signals are forwarded to it.
 * @param {string} command @param {string[]} args @returns {Promise<number>}
 */
export function handOver(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    for (const signal of ENDING) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        if (signal !== "SIGINT") child.kill(signal);
      });
    }
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
