// The real workflows on a real Temporal server, with scripted activities: order of stages, pause, cancel, failure, resume.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ApplicationFailure } from "@temporalio/common";
import { cancel, pause, progress, resume } from "../../workflows/messages.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";


describe("campaign workflow", { skip: NO_TEMPORAL, timeout: 120_000 }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  const withWorker: <T>(play: Script, test: Parameters<typeof withCampaignWorker<T>>[2]) => Promise<T> = (play, test) => withCampaignWorker(temporal, play, test);
  const ask = { by: "test", why: "to see" };
  const types = (play: Script) => play.rows.map((row) => row.event.type);

  it("runs bootstrap, iterations and baselines, and writes each decision into the ledger once", async () => {
    const play = script();
    const outcome = await withWorker(play, async (start) => (await start()).result());
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.latest, "it-0002.1-train-policy");
    assert.deepEqual(types(play).filter((type) => type !== "baseline-finished"), ["created", "opened", "bootstrap-finished", "iteration-finished", "iteration-finished", "completed"]);
    assert.ok(types(play).includes("baseline-finished"));
    const iteration = play.finished.filter((entry) => entry.startsWith("it-0001.1"));
    assert.deepEqual(iteration.map((entry) => entry.replace(/#\d+/, "")).filter((entry, at, all) => entry !== all[at - 1]), [
      "it-0001.1 generate",
      "it-0001.1 score",
      "it-0001.1 pair",
      "it-0001.1 train",
      "it-0001.1 evaluate",
      "it-0001.1 promote",
    ]);
    assert.equal(iteration.filter((entry) => entry.includes("generate")).length, 3, "5 pieces in shards of 2");
  });

  it("pauses in the middle of training, writes the row first, and goes on after the resume", async () => {
    const play = script({ baselines: [] });
    const training = gate();
    let attempts = 0;
    play.before = async (stage, place) => {
      if (stage !== "train" || place !== "it-0001.1") return;
      attempts += 1;
      if (attempts === 1) await training.wait();
    };
    await withWorker(play, async (start) => {
      const handle = await start();
      await training.reached;
      assert.deepEqual(await handle.executeUpdate(pause, { args: [ask] }), { status: "paused" });
      assert.equal(types(play).at(-1), "paused");
      await assert.rejects(handle.executeUpdate(pause, { args: [ask] }), (error: Error) => String(error.cause).includes("already"));
      await assert.rejects(handle.executeUpdate(resume, { args: [{ by: "test", why: "x".repeat(2000) }] }), (error: Error) => String(error.cause).includes("at most 1000"));
      assert.equal((await handle.query(progress)).status, "paused");
      await handle.executeUpdate(resume, { args: [ask] });
      assert.equal((await handle.result()).status, "completed");
      assert.equal(attempts, 2, "the interrupted stage was run again");
    });
  });

  it("cancels with a ledger row and ends as cancelled", async () => {
    const play = script({ baselines: [] });
    const training = gate();
    play.before = (stage) => (stage === "sft" ? training.wait() : undefined);
    await withWorker(play, async (start) => {
      const handle = await start();
      await training.reached;
      await handle.executeUpdate(cancel, { args: [ask] });
      assert.equal((await handle.result()).status, "cancelled");
      assert.equal(types(play).at(-1), "cancelled");
    });
  });

  it("records why it failed, and the same start goes on from the ledger with the next epoch", async () => {
    const play = script({ baselines: [] });
    let broken = true;
    play.before = (stage, place) => {
      if (broken && stage === "pair" && place === "it-0002.1") throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
    };
    await withWorker(play, async (start) => {
      const first = await start("again");
      await assert.rejects(first.result());
      const failed = play.rows.at(-1)?.event;
      assert.deepEqual(failed, { type: "failed", code: "no_pairs", message: "no pair to train on" });
      broken = false;
      play.finished.length = 0;
      const second = await start("again");
      assert.equal((await second.result()).status, "completed");
      assert.equal(play.rows.at(-1)?.epoch, 2);
      assert.ok(play.finished.every((entry) => entry.startsWith("it-0002.1")), "finished iterations are not run again");
    });
  });

  it("ends with lease_lost and writes nothing when another run has taken the campaign over", async () => {
    const play = script({ baselines: [] });
    play.before = (stage) => {
      if (stage === "reward") throw ApplicationFailure.nonRetryable("epoch 2 owns it", "lease_lost");
    };
    await withWorker(play, async (start) => {
      await assert.rejects((await start()).result());
      assert.equal(types(play).at(-1), "opened");
    });
  });
});
