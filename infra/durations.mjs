// How long each test file takes, so that the longest start first: begun last, one would run alone at the end.
// The last run on this machine is in .ratchet/test-durations.json; for files that it does not name, the
// committed test-durations.json counts. Update that one with: node infra/durations.mjs
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMain } from "./script.mjs";

/** By path from the root: `test/integration/cli.test.ts`. @typedef {Record<string, number>} Seconds */

/** Files of fewer seconds are not committed. */
const COMMITTED_FROM = 5;
/** A new file of these folders counts as so many seconds, the first match. @type {[string, number][]} */
const UNKNOWN = [
  ["test/integration/", 60],
  ["test/", 5],
  ["", 1],
];

/** @param {string} root */
const cacheOf = (root) => join(root, ".ratchet", "test-durations.json");
/** @param {string} root */
const committedOf = (root) => join(root, "infra", "test-durations.json");

/** @param {string} file @returns {Seconds} */
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});

/** @param {string} file @param {Seconds} seconds */
function write(file, seconds) {
  mkdirSync(dirname(file), { recursive: true });
  const sorted = Object.fromEntries(Object.entries(seconds).sort(([, one], [, other]) => other - one));
  writeFileSync(`${file}.new`, `${JSON.stringify(sorted, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/**
 * The paths, the longest first.
 * @param {string} root of the clone @param {string[]} paths from the root
 */
export function longestFirst(root, paths) {
  const known = { ...read(committedOf(root)), ...read(cacheOf(root)) };
  /** @param {string} path */
  const secondsOf = (path) => known[path] ?? UNKNOWN.find(([folder]) => path.startsWith(folder))?.[1] ?? 0;
  return paths.toSorted((one, other) => secondsOf(other) - secondsOf(one) || (one < other ? -1 : 1));
}

/** Adds the files of a run to the cache. @param {string} root @param {Seconds} seconds */
export function recordDurations(root, seconds) {
  write(cacheOf(root), { ...read(cacheOf(root)), ...seconds });
}

if (isMain(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const long = Object.entries(read(cacheOf(root))).filter(
    ([path, seconds]) => seconds >= COMMITTED_FROM && existsSync(join(root, path)),
  );
  write(committedOf(root), Object.fromEntries(long.map(([path, seconds]) => [path, Math.round(seconds)])));
}
