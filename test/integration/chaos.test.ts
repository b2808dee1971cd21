// A short `npm run chaos` per store, with a few faults.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Kind, StoreKind } from "../chaos/pairs.ts";
import { TEST_SEED } from "../chaos/tiny-shop.ts";
import type { Summary } from "../chaos/summary.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";

const MAIN = fileURLToPath(new URL("../chaos/main.js", import.meta.url));
const NO_S3 = process.env["RATCHET_TEST_VERSITYGW_BIN"]
  ? false
  : "RATCHET_TEST_VERSITYGW_BIN is not set: run through `npm test`, without --no-s3";

/**
 * Runs campaigns with faults of these kinds until two have landed, and checks that nothing was lost or
 * changed.
 */
async function holds(store: StoreKind, kinds: Kind[]): Promise<void> {
  const args = ["--json", "--bail", "--seed", String(TEST_SEED), "--faults", "2", "--store", store];
  const { stdout } = await promisify(execFile)(process.execPath, [
    MAIN,
    ...args,
    "--kinds",
    kinds.join(","),
  ]).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => assert.fail(`${stderr}\n${stdout}`));
  const { faults, lost, doubled, digestEqual } = JSON.parse(stdout) as Summary;
  assert.ok(faults.total >= 2);
  assert.deepEqual({ lost, doubled, digestEqual }, { lost: 0, doubled: 0, digestEqual: true });
}

it(
  "kills, double deliveries, a full disk and power failures change no digest of a campaign in a directory",
  { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS },
  () => holds("dir", ["worker-kill", "engine-kill", "twice", "disk-full", "power-loss"]),
);

it(
  "wrong, late and missing answers of S3 change no digest of a campaign in a bucket",
  { skip: NO_TEMPORAL_BIN || NO_S3, timeout: STUCK_MS },
  () =>
    holds("s3", [
      "s3-500",
      "s3-409",
      "s3-412",
      "s3-lost-answer",
      "s3-cut-answer",
      "s3-flipped-answer",
      "s3-wrong-checksum",
    ]),
);
