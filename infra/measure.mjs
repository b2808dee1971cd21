// `npm run measure`: how easily the code is read, in numbers. oxlint counts cycles, imports against the
// arrows, long files and long functions. A longer file or function needs a disable comment that gives the
// reason.
//
//   node infra/measure.mjs             all numbers
//   node infra/measure.mjs --list      with the places
//   node infra/measure.mjs --check     fails on long lines and disable comments without a reason; no oxlint
//   node infra/measure.mjs FOLDER      of another clone
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { conditionalSpreads } from "./conditional-spreads.mjs";
import { runScript } from "./script.mjs";

const COLUMNS_MAX = 110;
const FILE_LINES_MAX = 200;
const FUNCTION_LINES_MAX = 40;
const TESTS = /\.test(\.support)?\.ts$|^test\//;
const DISABLED = /oxlint-disable(?:-next-line)? /;
const LONG_FILE = "max-lines";
const LONG_FUNCTION = "max-lines-per-function";
const TOOLS = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules/.bin");

/** @typedef {{ path: string, text: string }} Source */

await runScript(async () => {
  const { values, positionals } = parseArgs({
    options: { check: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const root = resolve(positionals[0] ?? ".");
  const sources = sourcesOf(root);
  const checked = checkedMeasures(sources);
  const measures = values.check ? checked : { ...checked, ...otherMeasures(root, sources) };
  for (const [what, places] of Object.entries(measures)) {
    console.log(`${String(places.length).padStart(6)}  ${what}`);
    if (values.list || values.check) for (const place of places) console.log(`          ${place}`);
  }
  const lines = sources.reduce((sum, { text }) => sum + lineCount(text), 0);
  console.log(`${String(lines).padStart(6)}  lines in ${sources.length} files of TypeScript and JavaScript`);
  return values.check && Object.values(checked).some((places) => places.length > 0) ? 1 : 0;
});

/** @param {Source[]} sources @returns {Record<string, string[]>} places by measure */
function checkedMeasures(sources) {
  return {
    [`lines over ${COLUMNS_MAX} characters`]: matches(sources, new RegExp(`^.{${COLUMNS_MAX + 1},}$`, "u")),
    "disable comments without a reason": matches(sources, DISABLED).filter(
      (place) => !place.includes(" -- "),
    ),
  };
}

/** @param {string} root @param {Source[]} sources @returns {Record<string, string[]>} places by measure */
function otherMeasures(root, sources) {
  const rules = oxlint(root, []);
  const limits = withLimits((config) => oxlint(root, ["--config", config]));
  const disabled = matches(sources, DISABLED);
  /** @param {string} rule */
  const reasons = (rule) => disabled.filter((place) => new RegExp(`${rule}(?!-)`).test(place));
  return {
    [`files over ${FILE_LINES_MAX} lines, without a reason`]: limits(LONG_FILE),
    [`files over ${FILE_LINES_MAX} lines, with a reason`]: reasons(LONG_FILE),
    [`functions over ${FUNCTION_LINES_MAX} lines, without a reason`]: limits(LONG_FUNCTION),
    [`functions over ${FUNCTION_LINES_MAX} lines, with a reason`]: reasons(LONG_FUNCTION),
    "error classes": matches(sources, /^(export )?(abstract )?class \w+ extends (\w*Error|\w+Failure)\b/),
    "conditional spreads": sources
      .filter(isNoSample)
      .flatMap(({ path, text }) =>
        conditionalSpreads(text).map(({ line, code }) => `${path}:${line}: ${code}`),
      ),
    "cycles of imports": rules("no-cycle"),
    "imports against the arrows": rules("no-restricted-imports"),
  };
}

/** @param {Source} source */
function isNoSample({ path }) {
  return !path.startsWith("infra/conditional-spreads.");
}

/** Files under git. @param {string} root @returns {Source[]} */
function sourcesOf(root) {
  return execFileSync("git", ["ls-files", "*.ts", "*.tsx", "*.mjs"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "")
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** @param {Source[]} sources @param {RegExp} pattern @returns {string[]} `path:line: text` */
function matches(sources, pattern) {
  return sources.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}

/** @param {string} text */
function lineCount(text) {
  return text.split("\n").length - 1;
}

/**
 * Runs this clone's oxlint, which may be another version than that of `root`.
 * @param {string} root @param {string[]} options
 * @returns {(rule: string) => string[]} `path: message` of the rule's findings outside tests
 */
function oxlint(root, options) {
  const env = { ...process.env, PATH: `${TOOLS}${delimiter}${process.env.PATH}` };
  const { stdout, stderr, error } = spawnSync(join(TOOLS, "oxlint"), ["--format", "json", ...options], {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  if (error || !stdout.startsWith("{"))
    throw new Error(`oxlint failed: ${error?.message ?? stdout + stderr}`);
  /** @type {{ diagnostics: { code: string, filename: string, message: string }[] }} */
  const { diagnostics } = JSON.parse(stdout);
  return (rule) =>
    diagnostics
      .filter(({ code, filename }) => code.endsWith(`(${rule})`) && !TESTS.test(filename))
      .map(({ filename, message }) => `${filename}: ${message}`);
}

/**
 * @template T
 * @param {(config: string) => T} use gets the path of a configuration with only the two limits
 * @returns {T}
 */
function withLimits(use) {
  const folder = mkdtempSync(join(tmpdir(), "ratchet-measure-"));
  try {
    const config = join(folder, "oxlint.json");
    const rules = {
      [LONG_FILE]: ["error", { max: FILE_LINES_MAX }],
      [LONG_FUNCTION]: ["error", { max: FUNCTION_LINES_MAX }],
    };
    const ignorePatterns = ["dist", "node_modules", ".ratchet"];
    writeFileSync(
      config,
      JSON.stringify({ plugins: [], categories: { correctness: "off" }, rules, ignorePatterns }),
    );
    return use(config);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
