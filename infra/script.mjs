// How a script of this folder begins and ends.
import { exitOnSignals } from "./processes.mjs";
import { say } from "./progress.mjs";

/**
 * Runs the main function of a script: set-up failures are one message, not a stack.
 * @param {() => Promise<number>} main returns the exit code
 */
export async function runScript(main) {
  exitOnSignals();
  try {
    process.exitCode = await main();
  } catch (error) {
    const { message, hint } = /** @type {Error & { hint?: string }} */ (error);
    say(`error: ${message}${hint ? `\n\nhint: ${hint}` : ""}`);
    process.exitCode = 1;
  }
}
