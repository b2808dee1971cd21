// Runs test files and reports. It is a process group of its own, so that `npm test` can kill it with all test
// processes, even if those ignore signals.
import { run } from "node:test";
import { recordDurations } from "./durations.mjs";
import { root } from "./setup.mjs";
import { reportTests } from "./test-report.mjs";

/**
 * Files at a time, on two cores and with shared servers. Long files wait for timeouts most of the time; four
 * are slower.
 */
const CONCURRENCY = 3;
/** A file that takes longer is stuck. */
const FILE_TIMEOUT_MS = 30 * 60_000;

const { passed, failed, seconds } = await reportTests(
  run({ files: process.argv.slice(2), concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS }),
  root,
);
recordDurations(root, seconds);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
