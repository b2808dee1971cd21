import assert from "node:assert/strict";
import { test } from "node:test";
import { rewardModelFrom } from "../model/index.ts";
import { tinyCheckpoint } from "../tiny-model.test.support.ts";
import { SequenceScorer } from "./scorer.ts";
import { loadWeights } from "./weights.ts";

const checkpoint = rewardModelFrom(tinyCheckpoint(), "0000000000000005");
const weights = loadWeights(checkpoint);
const options = { threads: 1, spinning: false };

/** Enough rows of mixed lengths for several batches. */
const rows = Array.from({ length: 300 }, (_, i) => ({ ids: [1, ...Array.from({ length: 3 + ((i * 7) % 40) }, (__, t) => 4 + ((i + t) % 8)), 2], promptLength: 2 }));

async function rewardsOf(threads: number, of = rows): Promise<number[]> {
  const scorer = await SequenceScorer.create(checkpoint.config, { threads, spinning: false });
  try {
    return await scorer.rewards(weights, of);
  } finally {
    await scorer.close();
  }
}

test("rewards are the same bits again and on two threads, and stand where their rows stood", async () => {
  const rewards = await rewardsOf(1);
  assert.deepEqual(await rewardsOf(2), rewards);
  for (const i of [0, 150, 299]) {
    const [alone] = await rewardsOf(1, [rows[i]!]);
    assert.ok(Math.abs(alone! - rewards[i]!) < 1e-5, `row ${i}: ${alone} alone, ${rewards[i]} in its batch`);
  }
});

test("a reward is read at the last real token, whatever the padding: pad and end-of-sequence ids mean nothing to it", async () => {
  const ends = [{ ids: [1, 5, 6, 2], promptLength: 2 }, { ids: [1, 5, 6, 2, 2, 0], promptLength: 2 }, { ids: [1, 5, 6], promptLength: 2 }];
  const alone = await Promise.all(ends.map(async (row) => (await rewardsOf(1, [row]))[0]!));
  (await rewardsOf(1, ends)).forEach((reward, i) => assert.ok(Math.abs(reward - alone[i]!) < 1e-5));
  assert.equal(new Set(alone.map((reward) => reward.toFixed(4))).size, 3);
});

test("a policy gives no rewards and a reward model no log-probabilities", async () => {
  const policy = tinyCheckpoint();
  const ofPolicy = await SequenceScorer.create(policy.config, options);
  await assert.rejects(ofPolicy.rewards(loadWeights(policy), rows), { code: "architecture_unsupported" });
  await ofPolicy.close();
  const ofReward = await SequenceScorer.create(checkpoint.config, options);
  await assert.rejects(ofReward.logps(weights, rows), { code: "architecture_unsupported" });
  await ofReward.close();
});

test("the log-probabilities of next tokens are those of answers of one token, in any order and number", async () => {
  const policy = tinyCheckpoint();
  const scorer = await SequenceScorer.create(policy.config, options);
  const prompts = rows.slice(0, 40).map(({ ids }, i) => ({ ids, choices: i % 2 ? [9, 4] : [4, 7, 9] }));
  const asked = await scorer.choiceLogps(loadWeights(policy), prompts);
  const answers = prompts.flatMap(({ ids, choices }) => choices.map((choice) => ({ ids: [...ids, choice], promptLength: ids.length })));
  const expected = await scorer.logps(loadWeights(policy), answers);
  assert.deepEqual(asked.map((logps) => logps.length), prompts.map(({ choices }) => choices.length));
  asked.flat().forEach((logp, i) => assert.ok(Math.abs(logp - expected[i]!) < 1e-5, `${i}: ${logp} and ${expected[i]}`));
  await scorer.close();
});

test("an empty answer has log-probability 0", async () => {
  const policy = tinyCheckpoint();
  const scorer = await SequenceScorer.create(policy.config, options);
  const empty = { ids: [1, 5], promptLength: 2 };
  assert.deepEqual(await scorer.logps(loadWeights(policy), [empty]), [0]);
  assert.equal((await scorer.logps(loadWeights(policy), [empty, { ids: [1, 5, 6], promptLength: 2 }]))[0], 0);
  await scorer.close();
});
