// Turns the events of Node's test runner into what a reader wants: a line per file, every failure in full with what its file printed,
// the slowest files, and one closing line of counts. Writes to stdout.
import { relative } from "node:path";
import { duration } from "../host/progress.mjs";

const SLOWEST = 5;
/** Last lines shown of what a failing file printed. */
const OUTPUT_LINES = 40;

/**
 * @typedef {Error & { failureType?: string, exitCode?: number | null, signal?: string | null }} TestError
 * @typedef {{ name: string, nesting: number, file?: string, skip?: string | boolean, todo?: string | boolean, message?: string,
 *   details?: { type?: string, duration_ms: number, error?: TestError } }} TestEvent
 *
 * @typedef {object} FileReport
 * @property {string} path
 * @property {number} passed
 * @property {string[]} skips each with its reason
 * @property {string[]} failures each ready to print
 * @property {string[]} around titles of the tests around the one that is reported, by nesting
 * @property {string} output
 * @property {number} ms
 */

/**
 * @param {AsyncIterable<{ type: string, data: unknown }>} events of `run()` from node:test
 * @param {string} root of the clone
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
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
    note(file, type, event, event.name === event.file);
  }
  const reports = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  printFailures(reports);
  printSlowest(reports);

  const counts = {
    passed: sum(reports, (file) => file.passed),
    failed: sum(reports, (file) => file.failures.length),
    skipped: sum(reports, (file) => file.skips.length),
  };
  print(
    `\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
  );
  return counts;
}

/** Source maps make the runner name some events by the source, some by the compiled file. @param {string} file @param {string} root */
function sourceOf(file, root) {
  return relative(root, file)
    .replace(/^dist[\\/]/, "")
    .replace(/\.js$/, ".ts");
}

/**
 * A file's own `test:complete` comes when it ends; the events of its tests may come later, in the order of the files.
 * @param {FileReport} file @param {string} type @param {TestEvent} event @param {boolean} isFile the event is about the file as a whole
 */
function note(file, type, event, isFile) {
  if (type === "test:stdout" || type === "test:stderr") file.output += event.message ?? "";
  else if (type === "test:dequeue" && !isFile)
    file.around = [...file.around.slice(0, event.nesting), event.name];
  else if (type === "test:complete") (isFile ? noteFile : noteTest)(file, event, event.details?.error);
}

/** @param {FileReport} file @param {TestEvent} event @param {TestError | undefined} error */
function noteFile(file, event, error) {
  file.ms = event.details?.duration_ms ?? 0;
  if (error && error.failureType !== "subtestsFailed")
    file.failures.push(`${file.path}\n${indent(howFileEnded(error))}`);
  print(`${error ? "FAIL" : "ok  "} ${file.path} (${(file.ms / 1000).toFixed(1)} s)`);
}

/** Counts tests, not the suites and parents around them: a parent that failed because of a child is that child's failure. @param {FileReport} file @param {TestEvent} event @param {TestError | undefined} error */
function noteTest(file, event, error) {
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
  return `the file ended with ${error.signal ? `signal ${error.signal}` : `exit code ${error.exitCode ?? "unknown"}`}`;
}

/** The error that the test threw, without the runner's own frames. @param {TestError} error */
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

/** @param {FileReport[]} reports */
function printFailures(reports) {
  for (const { path, failures, output } of reports) {
    for (const failure of failures) print(`\nFAILED ${failure}`);
    if (failures.length > 0 && output.trim())
      print(
        `\n  what ${path} printed:\n${indent(output.trim().split("\n").slice(-OUTPUT_LINES).join("\n"))}`,
      );
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
