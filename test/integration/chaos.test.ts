// The short form of `npm run chaos`: one campaign with a few faults on each store. The long form accumulates hundreds.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Summary } from "../chaos/summary.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";

const MAIN = fileURLToPath(new URL("../chaos/main.js", import.meta.url));
const NO_S3 = process.env["RATCHET_TEST_VERSITYGW_BIN"]
  ? false
  : "RATCHET_TEST_VERSITYGW_BIN is not set: run through `npm test`, without --no-s3";
const TIMEOUT_MS = 10 * 60_000;

async function chaos(...args: string[]): Promise<Summary> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "--json", "--bail", ...args]).catch(
    (error: { stdout: string; stderr: string }) => {
      assert.fail(error.stderr);
    },
  );
  return JSON.parse(stdout) as Summary;
}

it(
  "killed, doubled, out of space and out of power, a campaign in a directory ends as if nothing had happened",
  { skip: NO_TEMPORAL_BIN, timeout: TIMEOUT_MS },
  async () => {
    const { faults, lost, doubled, digestEqual } = await chaos(
      "--store",
      "dir",
      "--seed",
      "11",
      "--faults",
      "2",
      "--kinds",
      "worker-kill,engine-kill,twice,disk-full,power-loss",
    );
    assert.ok(faults.total >= 2);
    assert.deepEqual({ lost, doubled, digestEqual }, { lost: 0, doubled: 0, digestEqual: true });
  },
);

it(
  "so does one in a bucket whose server answers wrongly, late and never",
  { skip: NO_TEMPORAL_BIN || NO_S3, timeout: TIMEOUT_MS },
  async () => {
    const { faults, lost, doubled, digestEqual } = await chaos(
      "--store",
      "s3",
      "--seed",
      "11",
      "--faults",
      "2",
      "--kinds",
      "s3-500,s3-409,s3-412,s3-lost-answer,s3-cut-answer,s3-flipped-answer,s3-wrong-checksum",
    );
    assert.ok(faults.total >= 2);
    assert.deepEqual({ lost, doubled, digestEqual }, { lost: 0, doubled: 0, digestEqual: true });
  },
);
