// Prints the events of Node's test runner: a line per file, then each failure with the output of its file,
// the slowest files, and one line of counts.
import { relative } from "node:path";
import { duration } from "../host/progress.mjs";
import { withSourcePositions } from "./source-positions.mjs";

const SLOWEST = 5;
/** Lines shown of the output of a failing file. */
const OUTPUT_LINES = 40;

/**
 * @typedef {Error & { failureType?: string, exitCode?: number | null, signal?: string | null }} TestError
 * @typedef {{ type?: string, duration_ms: number, error?: TestError }} TestDetails
 *
 * @typedef {object} TestEvent
 * @property {string} name
 * @property {number} nesting
 * @property {string} [file]
 * @property {string | boolean} [skip]
 * @property {string | boolean} [todo]
 * @property {string} [message]
 * @property {TestDetails} [details]
 *
 * @typedef {object} FileReport
 * @property {string} path
 * @property {number} passed
 * @property {string[]} skips each with its reason
 * @property {string[]} failures each ready to print
 * @property {string[]} around titles of the enclosing suites and tests, by nesting
 * @property {string} output
 * @property {number} ms
 */

/**
 * @param {AsyncIterable<{ type: string, data: unknown }>} events of `run()` from node:test
 * @param {string} root of the clone
 * @returns {Promise<{ passed: number, failed: number, skipped: number, seconds: Record<string, number> }>}
 *   `seconds`: of each file that ended, by its path from the root
 */
export async function reportTests(events, root) {
  /** @type {Map<string, FileReport>} */
  const files = new Map();
  for await (const { type, data } of events) {
    const event = /** @type {TestEvent} */ (data);
    if (event.file === undefined) continue;
    const path = sourceOf(event.file, root);
    let file = files.get(path);
    if (!file)
      files.set(path, (file = { path, passed: 0, skips: [], failures: [], around: [], output: "", ms: 0 }));
    record(file, type, event, event.name === event.file);
  }
  const reports = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  printFailures(reports, root);
  printSlowest(reports);

  const counts = {
    passed: sum(reports, (file) => file.passed),
    failed: sum(reports, (file) => file.failures.length),
    skipped: sum(reports, (file) => file.skips.length),
  };
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  print(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
  const ended = reports.filter(({ ms }) => ms > 0);
  return {
    ...counts,
    seconds: Object.fromEntries(ended.map(({ path, ms }) => [path, Math.round(ms / 100) / 10])),
  };
}

/**
 * Events name the compiled file.
 * @param {string} file @param {string} root
 */
function sourceOf(file, root) {
  return relative(root, file)
    .replace(/^dist[\\/]/, "")
    .replace(/\.js$/, ".ts");
}

/**
 * The `test:complete` of a file comes when the file ends; the events of its tests may come later, in the
 * order of files.
 * @param {FileReport} file @param {string} type @param {TestEvent} event
 * @param {boolean} isFile the event is about the whole file
 */
function record(file, type, event, isFile) {
  if (type === "test:stdout" || type === "test:stderr") file.output += event.message ?? "";
  else if (type === "test:dequeue" && !isFile)
    file.around = [...file.around.slice(0, event.nesting), event.name];
  else if (type === "test:complete") (isFile ? recordFile : recordTest)(file, event, event.details?.error);
}

/** @param {FileReport} file @param {TestEvent} event @param {TestError | undefined} error */
function recordFile(file, event, error) {
  file.ms = event.details?.duration_ms ?? 0;
  if (error && error.failureType !== "subtestsFailed")
    file.failures.push(`${file.path}\n${indent(howFileEnded(error))}`);
  print(`${error ? "FAIL" : "ok  "} ${file.path} (${(file.ms / 1000).toFixed(1)} s)`);
}

/**
 * Counts tests only. A suite, or a test that failed because of a subtest, is not counted.
 * @param {FileReport} file @param {TestEvent} event @param {TestError | undefined} error
 */
function recordTest(file, event, error) {
  if (error?.failureType === "subtestsFailed" || (event.details?.type === "suite" && !error)) return;
  const title = [...file.around.slice(0, event.nesting), event.name].join(" > ");
  const skipped = event.skip ?? event.todo;
  if (skipped !== undefined && skipped !== false)
    file.skips.push(`${file.path}: ${title}${typeof skipped === "string" ? `: ${skipped}` : ""}`);
  else if (error) file.failures.push(`${file.path}\n  ${title}\n${indent(describe(error))}`);
  else file.passed++;
}

/** @param {TestError} error */
function howFileEnded(error) {
  if (error.failureType === "testTimeoutFailure") return error.message;
  const end = error.signal ? `signal ${error.signal}` : `exit code ${error.exitCode ?? "unknown"}`;
  return `the file ended with ${end}`;
}

/** The error that the test threw, without frames of Node. @param {TestError} error */
function describe(error) {
  const thrown = error.cause instanceof Error ? error.cause : error;
  const causes = [];
  for (let cause = thrown.cause; cause instanceof Error && causes.length < 3; cause = cause.cause)
    causes.push(`caused by ${cause.stack ?? cause.message}`);
  const text = [thrown.stack ?? String(thrown.message ?? error.cause), ...causes].join("\n");
  return text
    .split("\n")
    .filter((line) => !/^\s+at .*\(?node:/.test(line))
    .join("\n");
}

/** @param {FileReport[]} reports @param {string} root */
function printFailures(reports, root) {
  for (const { path, failures, output } of reports) {
    for (const failure of failures) print(withSourcePositions(`\nFAILED ${failure}`, root));
    if (failures.length === 0 || !output.trim()) continue;
    const last = output.trim().split("\n").slice(-OUTPUT_LINES).join("\n");
    print(`\n  output of ${path}:\n${indent(withSourcePositions(last, root))}`);
  }
  const skips = reports.flatMap((file) => file.skips);
  if (skips.length > 0) print(`\nskipped:\n${indent(skips.join("\n"))}`);
}

/** @param {FileReport[]} reports */
function printSlowest(reports) {
  const slowest = [...reports].sort((a, b) => b.ms - a.ms).slice(0, SLOWEST);
  print(`\nslowest files: ${slowest.map((file) => `${file.path} ${duration(file.ms)}`).join(", ")}`);
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, "    ");
}

/** @param {FileReport[]} reports @param {(file: FileReport) => number} value */
function sum(reports, value) {
  return reports.reduce((total, file) => total + value(file), 0);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
