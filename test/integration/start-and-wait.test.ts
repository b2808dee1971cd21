// `ratchet start --wait` as a scheduler calls it: the same command again and again, and its exit codes.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { openStore } from "../../store/index.ts";
import { withLedgerWorker } from "../support/ledger-worker.ts";
import { STUCK_MS } from "../support/limits.ts";
import { Workplace } from "../support/ratchet-command.ts";
import type { Ran } from "../support/ratchet-command.ts";
import { gate, script } from "../support/scripted-activities.ts";
import type { Script } from "../support/scripted-activities.ts";
import { smallShop } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";

interface Printed {
  campaignId: string;
  action: string;
  outcome?: { status: string; promoted?: string; failure?: { code: string } };
}
function printed({ exit, stdout, stderr }: Ran): Printed {
  assert.notEqual(stdout, "", `exit ${exit}: ${stderr}`);
  return JSON.parse(stdout) as Printed;
}

describe("start --wait", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  let place: Workplace;
  let spec: string;
  before(async () => {
    temporal = await openNamespace();
    place = await Workplace.openOn(temporal);
    const shop = { seed: 1, iterations: 1, perIteration: 16, sftRows: 40, baselines: [] };
    spec = await place.writeSpec("small.json", smallShop(shop));
  });
  after(async () => {
    await place?.close();
    await temporal?.close();
  });

  const withWorker = async (play: Script, test: () => Promise<void>): Promise<void> =>
    withLedgerWorker(temporal, await openStore(`dir:${join(place.dir, "store")}`), play, test);
  const start = (id: string, ...more: string[]): Promise<Ran> =>
    place.run("start", spec, "--id", id, "--wait", "--json", ...more);

  it("exits with 14 at its time limit; the same command attaches, and exits with 0 at the end", async () => {
    const play = script();
    const training = gate();
    play.before = (stage, at) => (stage === "train" && at === "it-0001.1" ? training.wait() : undefined);
    await withWorker(play, async () => {
      const late = await start("night-1", "--timeout", "8s");
      assert.equal(late.exit, 14, late.stderr);
      assert.deepEqual([printed(late).action, printed(late).outcome], ["created", undefined]);
      assert.match(late.stderr, /night-1 has not ended after 8 s; it keeps running/);

      const again = place.running("start", spec, "--id", "night-1", "--wait", "--json");
      await again.says(/is already running/);
      training.open();
      const done = await again.ended;
      assert.equal(done.exit, 0, done.stderr);
      assert.deepEqual([printed(done).action, printed(done).outcome?.status], ["attached", "completed"]);
      assert.equal(printed(done).outcome?.promoted, "it-0001.1-train-policy");
    });
    const completed = await start("night-1", "--timeout", "1s");
    assert.equal(completed.exit, 0, "without a worker");
    assert.deepEqual(
      [printed(completed).action, printed(completed).outcome?.status],
      ["completed", "completed"],
    );
  });

  it("exits with 10 if the campaign fails, and the same command resumes it", async () => {
    const play = script();
    play.before = (stage) => {
      if (stage === "pair") throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
    };
    await withWorker(play, async () => {
      const failed = await start("night-2");
      assert.equal(failed.exit, 10, failed.stderr);
      assert.equal(printed(failed).outcome?.failure?.code, "no_pairs");
      assert.match(failed.stderr, /^error no_pairs: no pair to train on$/m);
      play.before = () => undefined;
      const resumed = await start("night-2");
      assert.deepEqual([resumed.exit, printed(resumed).action], [0, "resumed"], resumed.stderr);
    });
  });

  it("exits with 130 on SIGTERM, and the campaign keeps running; with 11 when it is cancelled", async () => {
    const play = script();
    const training = gate();
    play.before = (stage) => (stage === "sft" ? training.wait() : undefined);
    await withWorker(play, async () => {
      const first = place.running("start", spec, "--id", "night-3", "--wait", "--json");
      await first.says(/it-0000.1 sft/);
      first.child.kill("SIGTERM");
      const detached = await first.ended;
      assert.deepEqual([detached.exit, printed(detached).outcome], [130, undefined]);

      const second = place.running("start", spec, "--id", "night-3", "--wait", "--json");
      await second.says(/is already running/);
      const cancelled = await place.run("cancel", "night-3", "--why", "enough");
      assert.equal(cancelled.exit, 0, cancelled.stderr);
      const ended = await second.ended;
      assert.deepEqual([ended.exit, printed(ended).outcome?.status], [11, "cancelled"], ended.stderr);
    });
  });

  it("refuses a time limit without a wait before it starts anything", async () => {
    const wrong = await place.run("start", spec, "--id", "night-4", "--timeout", "1s");
    assert.equal(wrong.exit, 2);
    assert.match(wrong.stderr, /^error usage_invalid: --timeout limits a wait/m);
    assert.equal((await place.run("status", "night-4")).exit, 2);
  });
});
