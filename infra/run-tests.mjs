// Runs the test files it is given and reports. A process of its own, in a group of its own, so that `npm test` can end it with all the
// files that run, whatever they do about signals.
import { run } from "node:test";
import { root } from "./setup.mjs";
import { reportTests } from "./test-report.mjs";

/** Files at a time; they share two servers and, often, two cores, but the long ones wait for timeouts most of the time. With four all took longer. */
const CONCURRENCY = 3;
/** A file that takes longer hangs. */
const FILE_TIMEOUT_MS = 15 * 60_000;

const { passed, failed } = await reportTests(
  run({ files: process.argv.slice(2), concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS }),
  root,
);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
