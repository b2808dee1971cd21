// A short `npm run chaos` per store, with a few faults.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pairName, STAGES } from "../chaos/pairs.ts";
import type { Kind, Pair, StoreKind } from "../chaos/pairs.ts";
import { Plan } from "../chaos/plan.ts";
import type { Fault } from "../chaos/plan.ts";
import { TEST_SEED } from "../chaos/tiny-shop.ts";
import type { Summary } from "../chaos/summary.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";

const MAIN = fileURLToPath(new URL("../chaos/main.js", import.meta.url));
const NO_S3 = process.env["RATCHET_TEST_VERSITYGW_BIN"]
  ? false
  : "RATCHET_TEST_VERSITYGW_BIN is not set: run through `npm test`, without --no-s3";

/** Runs chaos, and checks that nothing was lost or changed. Returns the number of faults that landed. */
async function holds(store: StoreKind, more: string[]): Promise<number> {
  const args = ["--json", "--seed", String(TEST_SEED), "--store", store, ...more];
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args]).catch(
    ({ stdout: out, stderr }: { stdout: string; stderr: string }) => assert.fail(`${stderr}\n${out}`),
  );
  const { faults, lost, doubled, digestEqual, problems } = JSON.parse(stdout) as Summary;
  assert.deepEqual(
    { lost, doubled, digestEqual, problems },
    { lost: 0, doubled: 0, digestEqual: true, problems: [] },
  );
  return faults.total;
}

/** Each way of labelling needs an undisturbed run of its own; people-page.test.ts kills what people use. */
const WITHOUT_LABELS = STAGES.filter((stage) => !["label", "give", "audit"].includes(stage));

/** Runs campaigns with faults of these kinds until two have landed. */
async function survives(store: StoreKind, kinds: Kind[]): Promise<void> {
  const only = ["--kinds", kinds.join(","), "--stages", WITHOUT_LABELS.join(",")];
  assert.ok((await holds(store, ["--bail", "--faults", "2", ...only])) >= 2);
}

it(
  "kills, double deliveries, a full disk and power failures change no digest of a campaign in a directory",
  { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS },
  () => survives("dir", ["worker-kill", "engine-kill", "twice", "disk-full", "power-loss"]),
);

it(
  "wrong, late and missing answers of S3 change no digest of a campaign in a bucket",
  { skip: NO_TEMPORAL_BIN || NO_S3, timeout: STUCK_MS },
  () =>
    survives("s3", [
      "s3-500",
      "s3-409",
      "s3-412",
      "s3-lost-answer",
      "s3-cut-answer",
      "s3-flipped-answer",
      "s3-wrong-checksum",
    ]),
);

it(
  "a power failure that takes the ledger's last row is not the campaign's end",
  { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS },
  async () => {
    const pair: Pair = { kind: "power-loss", stage: "append" };
    const plan = new Plan({ seed: TEST_SEED, store: "dir" });
    // The third append writes `completed`. After its commit the row can be read, and is not synced.
    const moments = { "append begin": 3, "append before-commit": 3, "append after-commit": 3 };
    const isLastRow = (index: number): boolean => {
      const [{ moment, nth, coin }] = plan.faults(index, [pair], moments) as [Fault];
      return moment === "after-commit" && nth === 3 && !coin;
    };
    let index = 0;
    while (!isLastRow(index)) index += 1;
    assert.equal(await holds("dir", ["--campaign", String(index), "--pairs", pairName(pair)]), 1);
  },
);
