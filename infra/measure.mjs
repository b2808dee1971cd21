// `npm run measure`: how easily the code is read, in figures. Imports against the arrows, cycles, long files and long functions are the
// linter's (.oxlintrc.json); a longer one needs a reason beside it. With --check it fails where a line is too long or a reason is missing.
//
//   node infra/measure.mjs [--check] [--list] [FOLDER]
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const COLUMNS_MAX = 110;
const FILE_LINES_MAX = 200;

const { values, positionals } = parseArgs({
  options: { check: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
  allowPositionals: true,
});
const root = resolve(positionals[0] ?? ".");

const files = execFileSync("git", ["ls-files", "*.ts", "*.mjs"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "")
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

/** @param {RegExp} pattern @returns {string[]} `path:line: text` of each line that matches */
const found = (pattern) =>
  files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );

const DISABLED = /oxlint-disable(?:-next-line)? /;
const long = found(new RegExp(`^.{${COLUMNS_MAX + 1},}$`, "u"));
const disabled = found(DISABLED);
/** @param {string} rule */
const exceptions = (rule) =>
  disabled.filter((line) => new RegExp(`${DISABLED.source}.*${rule}(?!-)`).test(line));
const tests = /\.test(\.support)?\.ts$|^test\//;
const longFiles = files.filter(
  ({ path, text }) => !tests.test(path) && text.split("\n").length - 1 > FILE_LINES_MAX,
);

/** @type {Record<string, string[]>} */
const measures = {
  [`lines over ${COLUMNS_MAX} characters`]: long,
  [`files over ${FILE_LINES_MAX} lines, tests aside`]: longFiles.map(({ path }) => path),
  "files over that with a reason": exceptions("max-lines"),
  "functions over 40 lines with a reason": exceptions("max-lines-per-function"),
  "error classes": found(/^(export )?(abstract )?class \w+ extends (\w*Error|\w+Failure)\b/),
  "conditional spreads": found(/\.\.\.\([^()]*(\([^()]*\)[^()]*)*\? (\{\} :|\{[^}]*\} : \{\})/),
  "exceptions from a lint rule without a reason": disabled.filter((line) => !line.includes(" -- ")),
};

for (const [what, lines] of Object.entries(measures)) {
  console.log(`${String(lines.length).padStart(5)}  ${what}`);
  if (values.list) for (const line of lines) console.log(`         ${line}`);
}
const lines = files.reduce((sum, { text }) => sum + text.split("\n").length - 1, 0);
console.log(`${String(lines).padStart(5)}  lines in ${files.length} files of TypeScript and JavaScript`);
if (values.check && (long.length > 0 || measures["exceptions from a lint rule without a reason"]?.length))
  process.exitCode = 1;
