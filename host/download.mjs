// Downloads a .tar.gz archive and takes one command out of it, by `tar`, if the archive has the pinned
// digest.
import { createHash } from "node:crypto";
import { createWriteStream, readdirSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { lastLine, run } from "./processes.mjs";
import { startProgress } from "./progress.mjs";

/**
 * @typedef {object} Target
 * @property {string} title for messages
 * @property {string} url
 * @property {string} sha256 of the archive, in hex
 * @property {string} output path of the command
 * @property {number} silenceMs
 *
 * @param {Target} target
 * @returns {Promise<string | undefined>} the reason of a failure
 */
export async function download({ title, url, sha256, output, silenceMs }) {
  const progress = startProgress(`downloading ${title}`);
  const dir = dirname(output);
  const archive = join(dir, "archive.tar.gz");
  try {
    await fetchTo(url, archive, silenceMs, (megabytes) => progress.update(`${megabytes} MB`));
  } catch (error) {
    progress.stop();
    return `${url}: ${reasonOf(error)}`;
  }
  const found = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (found !== sha256) {
    progress.stop();
    return `${url}: SHA-256 ${found} in place of the pinned ${sha256}`;
  }
  const unpacked = await run("tar", ["-xzf", archive, "-C", dir]);
  progress.stop();
  if (unpacked.code !== 0) return `${url}: not a readable archive (${lastLine(unpacked.output)})`;
  const file = readdirSync(dir, { recursive: true, encoding: "utf8" }).find(
    (path) => basename(path) === basename(output),
  );
  if (!file) return `${url}: no ${basename(output)} in it`;
  if (join(dir, file) !== output) renameSync(join(dir, file), output);
  return undefined;
}

/**
 * @param {string} url
 * @param {string} path
 * @param {number} silenceMs
 * @param {(megabytes: number) => void} onProgress
 */
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

/** `fetch failed` hides what happened in its cause. @param {unknown} error @returns {string} */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
