// Long set-up work by other programs, one command at a time.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../host/processes.mjs";
import { say, startProgress } from "../host/progress.mjs";
import { cacheRoot } from "../host/tool-cache.mjs";

/** Whether the command came to a good end; the last line of one that did not is said. @param {string} what @param {string} command @param {string[]} args */
export async function step(what, command, args) {
  const progress = startProgress(what);
  const { code, output } = await run(command, args);
  if (code === 0) progress.done(what);
  else {
    progress.stop();
    say(`${what} failed: ${output.trim().split("\n").at(-1)}`);
  }
  return code === 0;
}

/** Folder in the cache named after the files that pin what is in it. @param {string} name @param {string[]} pins */
export function cachedFolder(name, ...pins) {
  const digest = createHash("sha256");
  for (const pin of pins) digest.update(readFileSync(pin));
  return join(
    cacheRoot(process.env),
    `${name}-${digest.digest("hex").slice(0, 12)}-${process.platform}-${process.arch}`,
  );
}
