// Long set-up commands with progress, and cached folders for their results.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastLine, run } from "../host/processes.mjs";
import { say, startProgress } from "../host/progress.mjs";
import { cacheRoot } from "../host/tool-cache.mjs";

/**
 * Runs a command; prints its last line if it fails.
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<boolean>} whether it succeeded
 */
export async function step(what, command, args) {
  const progress = startProgress(what);
  const { code, output } = await run(command, args);
  if (code === 0) progress.done(what);
  else {
    progress.stop();
    say(`${what} failed: ${lastLine(output)}`);
  }
  return code === 0;
}

/**
 * A folder of the cache; its name has a digest of the files that pin its content.
 * @param {string} name @param {string[]} pins
 */
export function cachedFolder(name, ...pins) {
  const digest = createHash("sha256");
  for (const pin of pins) digest.update(readFileSync(pin));
  return join(
    cacheRoot(process.env),
    `${name}-${digest.digest("hex").slice(0, 12)}-${process.platform}-${process.arch}`,
  );
}
