// The real workflows on a real Temporal server with scripted activities: order of stages, pause, cancel,
// failure, resume.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApplicationFailure } from "@temporalio/common";
import { placeName } from "../../campaign/ids.ts";
import { cancel, pause, progress, resume } from "../../workflows/messages.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

describe("campaign workflow", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  const withWorker: <T>(play: Script, test: Parameters<typeof withCampaignWorker<T>>[2]) => Promise<T> = (
    play,
    test,
  ) => withCampaignWorker(temporal, play, test);
  const ask = { by: "test", why: "to see" };
  const types = (play: Script) => play.rows.map((row) => row.event.type);

  it("runs bootstrap, iterations and baselines, and writes each decision into the ledger once", async () => {
    const play = script();
    const outcome = await withWorker(play, async (start) => (await start()).result());
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.latest, "it-0002.1-train-policy");
    assert.deepEqual(
      types(play).filter((type) => type !== "baseline-finished"),
      ["created", "opened", "bootstrap-finished", "iteration-finished", "iteration-finished", "completed"],
    );
    assert.ok(types(play).includes("baseline-finished"));
    const iteration = play.finished.filter((entry) => entry.startsWith("it-0001.1"));
    const stages = iteration.map((entry) => entry.replace(/#\d+/, "").replace("it-0001.1 ", ""));
    assert.deepEqual(stages.slice(8), [
      ...Array<string>(2).fill("answer"),
      ...Array<string>(2).fill("score"),
      ...Array<string>(2).fill("reference"),
      "judge",
      ...Array<string>(2).fill("evaluate"),
      "judge",
      "promote",
    ]);
    assert.deepEqual(stages.slice(0, 8), [
      ...Array<string>(3).fill("generate"),
      ...Array<string>(3).fill("score"),
      "pair",
      "train",
    ]);
    assert.equal(
      iteration.filter((entry) => entry.includes("generate")).length,
      3,
      "5 pieces in shards of 2",
    );
  });

  /** Inputs of a place's stages, by stage; for a fan-out the input of its seal. */
  const toldTo = (play: Script, place: string): Record<string, Record<string, unknown>> => {
    const entries = play.asked
      .filter((input) => placeName(input.place) === place)
      .map(
        ({ campaign: _campaign, epoch: _epoch, place: _place, stage, ...own }) =>
          [[stage, own["of"] ?? own["split"]].filter(Boolean).join(" "), own] as const,
      );
    return Object.fromEntries(entries);
  };
  const INITIAL = "it-0000.1-sft-policy";
  const REWARD_MODEL = "it-0000.1-reward-policy";
  const REFERENCE_ANSWERS = "it-0000.1-answer-opponent";

  /** What the stages are told that measure a policy on the test split; the true reward decides. */
  const measuredOnTest = (place: string) => {
    const answers = `${place}-answer-test`;
    return {
      "answer test": { of: "test", policy: `${place}-train-policy` },
      "score test": { of: "test", completions: answers, rewardModel: REWARD_MODEL },
      "reference test": { of: "test", answers, model: INITIAL },
      "judge test": { of: "test", by: "gold", ours: answers, theirs: REFERENCE_ANSWERS },
      "evaluate test": {
        split: "test",
        policy: `${place}-train-policy`,
        answers,
        scores: `${place}-score-test`,
        reference: `${place}-reference-test`,
        verdicts: `${place}-judge-test`,
      },
    };
  };

  it("an iteration starts from the latest policy and competes with the promoted one", async () => {
    const play = script({ iterations: 3, baselines: [] });
    play.decide = (place) => (place === "it-0002.1" ? "promoted" : "kept");
    const outcome = await withWorker(play, async (start) => (await start()).result());
    const pointers = [
      ["it-0001.1", INITIAL, "it-0000.1", INITIAL],
      ["it-0002.1", "it-0001.1-train-policy", "it-0000.1", INITIAL],
      ["it-0003.1", "it-0002.1-train-policy", "it-0002.1", "it-0002.1-train-policy"],
    ] as const;
    for (const [place, latest, promotedAt, promoted] of pointers) {
      const policy = `${place}-train-policy`;
      const answers = `${place}-answer-validation`;
      assert.deepEqual(toldTo(play, place), {
        generate: { source: "iteration", policy: latest },
        "score iteration": { of: "iteration", completions: `${place}-generate`, rewardModel: REWARD_MODEL },
        pair: { from: "scores", source: `${place}-score-iteration` },
        train: { start: latest, reference: INITIAL, pairs: `${place}-pair` },
        "answer validation": { of: "validation", policy },
        "score validation": { of: "validation", completions: answers, rewardModel: REWARD_MODEL },
        "reference validation": { of: "validation", answers, model: INITIAL },
        "evaluate validation": {
          split: "validation",
          policy,
          answers,
          scores: `${place}-score-validation`,
          reference: `${place}-reference-validation`,
        },
        ...measuredOnTest(place),
        "judge validation": {
          of: "validation",
          by: "judge",
          ours: answers,
          theirs: `${promotedAt}-answer-validation`,
        },
        promote: { candidate: policy, incumbent: promoted, verdicts: `${place}-judge-validation` },
      });
    }
    assert.deepEqual(
      [outcome.latest, outcome.promoted],
      ["it-0003.1-train-policy", "it-0002.1-train-policy"],
    );
  });

  it("an iteration is also compared with policies promoted earlier, the newest first", async () => {
    const play = script({ iterations: 3, baselines: [], alsoAgainst: 1 });
    await withWorker(play, async (start) => (await start()).result());
    const compared = (place: string) =>
      play.asked
        .filter((input) => placeName(input.place) === place && input.stage === "judge")
        .filter((input) => input["of"] === "validation")
        .map((input) => input["theirs"]);
    assert.deepEqual([...new Set(compared("it-0001.1"))], ["it-0000.1-answer-validation"]);
    assert.deepEqual(
      [...new Set(compared("it-0003.1"))],
      ["it-0002.1-answer-validation", "it-0001.1-answer-validation"],
    );
    assert.deepEqual(toldTo(play, "it-0003.1")["promote"]?.["also"], [
      { iteration: 1, policy: "it-0001.1-train-policy", verdicts: "it-0003.1-judge-validation" },
    ]);
  });

  it("with train.reference previous, the start is the reference; KL and baselines use π_0", async () => {
    const play = script({
      reference: "previous",
      baselines: [
        { name: "offline", pairs: "labels" },
        { name: "matched", pairs: "initial-policy" },
      ],
    });
    await withWorker(play, async (start) => (await start()).result());
    const second = toldTo(play, "it-0002.1");
    assert.deepEqual(second["train"], {
      start: "it-0001.1-train-policy",
      reference: "it-0001.1-train-policy",
      pairs: "it-0002.1-pair",
    });
    assert.equal(second["reference test"]?.["model"], INITIAL);
    assert.equal(toldTo(play, "it-0001.1")["train"]?.["reference"], INITIAL);

    const train = (name: string) => ({ start: INITIAL, reference: INITIAL, pairs: `base-${name}.1-pair` });
    assert.deepEqual(toldTo(play, "base-offline.1"), {
      pair: { from: "labels", source: "it-0000.1-label" },
      train: train("offline"),
      ...measuredOnTest("base-offline.1"),
    });
    assert.deepEqual(toldTo(play, "base-matched.1"), {
      generate: { source: "baseline", policy: INITIAL },
      "score baseline": {
        of: "baseline",
        completions: "base-matched.1-generate",
        rewardModel: REWARD_MODEL,
      },
      pair: { from: "scores", source: "base-matched.1-score-baseline" },
      train: train("matched"),
      ...measuredOnTest("base-matched.1"),
    });
  });

  it("the splits are measured side by side; after a pause only the unfinished one runs again", async () => {
    const play = script({ iterations: 1, baselines: [] });
    const testing = gate();
    let told = 0;
    play.before = async (stage, place, _attempt, { split }) => {
      if (place !== "it-0001.1" || stage !== "answer" || split !== "test") return;
      told += 1;
      if (told === 1) await testing.wait();
    };
    const answered = () => play.finished.filter((entry) => entry === "it-0001.1 answer#0").length;
    await withWorker(play, async (start) => {
      const handle = await start();
      await testing.reached;
      while (answered() === 0) await sleep(20);
      await handle.executeUpdate(pause, { args: [ask] });
      await handle.executeUpdate(resume, { args: [ask] });
      assert.equal((await handle.result()).status, "completed");
      assert.deepEqual([told, answered()], [2, 2], "only the interrupted split was run again");
    });
  });

  it("a slow shard delays no other shard, and finished shards do not run again after a pause", async () => {
    const play = script({
      iterations: 1,
      baselines: [],
      pieces: { bootstrap: 2, audit: 1, iteration: 8, baseline: 2, validation: 1, test: 1 },
      shardPieces: 1,
      maxConcurrentShards: 2,
    });
    const slow = gate();
    let told = 0;
    play.before = async (stage, place, _attempt, { shard }) => {
      if (stage !== "generate" || place !== "it-0001.1" || shard !== 3) return;
      told += 1;
      if (told === 1) await slow.wait();
    };
    const done = (shard: number): number =>
      play.finished.filter((entry) => entry === `it-0001.1 generate#${shard}`).length;
    await withWorker(play, async (start) => {
      const handle = await start();
      await slow.reached;
      while (done(7) === 0) await sleep(20);
      assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map(done), [1, 1, 1, 0, 1, 1, 1, 1]);
      await handle.executeUpdate(pause, { args: [ask] });
      await handle.executeUpdate(resume, { args: [ask] });
      assert.equal((await handle.result()).status, "completed");
      assert.deepEqual([0, 1, 2, 3].map(done), [1, 1, 1, 1]);
    });
  });

  it("pauses in the middle of training, writes the row first, and continues after the resume", async () => {
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
      await assert.rejects(handle.executeUpdate(pause, { args: [ask] }), (error: Error) =>
        String(error.cause).includes("already"),
      );
      await assert.rejects(
        handle.executeUpdate(resume, { args: [{ by: "test", why: "x".repeat(2000) }] }),
        (error: Error) => String(error.cause).includes("at most 1000"),
      );
      assert.equal((await handle.query(progress)).status, "paused");
      await handle.executeUpdate(resume, { args: [ask] });
      assert.equal((await handle.result()).status, "completed");
      assert.equal(attempts, 2, "the interrupted stage was run again");
    });
  });

  it("writes a ledger row for a cancel and ends as cancelled", async () => {
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

  it("records why it failed; the same start resumes from the ledger with the next epoch", async () => {
    const play = script({ baselines: [] });
    let broken = true;
    play.before = (stage, place) => {
      if (broken && stage === "pair" && place === "it-0002.1")
        throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
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
      assert.ok(
        play.finished.every((entry) => entry.startsWith("it-0002.1")),
        "finished iterations do not run again",
      );
    });
  });

  it("ends with lease_lost and writes nothing if another run has taken the campaign over", async () => {
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
