import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph, Session } from "../graph/index.ts";
import {
  declareParameters,
  declareSelection,
  declareSequences,
  encodeForLogps,
  encodeForRewards,
  initCheckpoint,
  logits,
  rewardModelFrom,
  rewards,
} from "../model/index.ts";
import type { Checkpoint, Sequence } from "../model/index.ts";
import { Tape } from "../ops/tape.ts";
import { TINY, tinyCheckpoint } from "../tiny-model.test.support.ts";
import { SequenceScorer } from "./scorer.ts";
import { RotaryFeeds } from "./rotary-feeds.ts";
import { loadWeights, toFeeds } from "./weights.ts";

const checkpoint = rewardModelFrom(tinyCheckpoint(), "0000000000000005");
const weights = loadWeights(checkpoint);
const options = { threads: 1, spinning: false };

/** Enough rows of mixed lengths for several batches. */
const rows = Array.from({ length: 300 }, (_, i) => ({
  ids: [1, ...Array.from({ length: 3 + ((i * 7) % 40) }, (__, t) => 4 + ((i + t) % 8)), 2],
  promptLength: 2,
}));

/** As in campaigns: eight answers of different lengths to each prompt, one of them empty. */
const grouped: Sequence[] = Array.from({ length: 13 }, (_, prompt) =>
  Array.from({ length: 8 }, (__, sample) => {
    const head = [1, ...Array.from({ length: prompt % 11 }, (___, t) => 4 + ((prompt + 3 * t) % 8))];
    return {
      ids: [
        ...head,
        ...Array.from({ length: (sample * (prompt + 3)) % 37 }, (___, t) => 3 + ((sample + t * t) % 9)),
      ],
      promptLength: head.length,
    };
  }),
).flat();

/** Computes every row alone: without groups, gathers and batches. */
async function dense(
  { config, weights: loaded }: Checkpoint,
  kind: "logps" | "rewards",
  of: readonly Sequence[],
): Promise<number[]> {
  const t = new Tape(new Graph("few"));
  const parameters = declareParameters(t, config);
  const sequences = declareSequences(t, config);
  const selection = declareSelection(t, sequences);
  if (kind === "rewards") t.graph.output("values", rewards(t, config, parameters, sequences, selection));
  else
    t.graph.output(
      "values",
      t.tokenLogps(
        logits(t, config, parameters, sequences, selection),
        t.graph.input("targets", "int64", ["M"]),
      ),
    );
  const session = await Session.create(t.graph, { threads: 1, spinning: false });
  const fixed = {
    ...loadWeights({ config, weights: loaded }),
    ...new RotaryFeeds(config).upTo(config.maxPositions),
  };
  const values: number[] = [];
  for (const row of of) {
    const { rowOf: _, ...encoded } = kind === "rewards" ? encodeForRewards([row]) : encodeForLogps([row]);
    values.push(...((await session.raw({ ...fixed, ...toFeeds(encoded) }))["values"]!.data as Float32Array));
  }
  await session.close();
  return values;
}

const near = (values: readonly number[], expected: readonly number[]): void => {
  assert.equal(values.length, expected.length);
  values.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${i}: ${value} and ${expected[i]}`),
  );
};

async function rewardsOf(threads: number, of = rows): Promise<number[]> {
  const scorer = await SequenceScorer.create(checkpoint.config, { threads, spinning: false });
  try {
    return await scorer.rewards(weights, of);
  } finally {
    await scorer.close();
  }
}

it("rewards have the same bits on two threads, and the order of their rows", async () => {
  const rewards = await rewardsOf(1);
  assert.deepEqual(await rewardsOf(2), rewards);
  for (const i of [0, 150, 299]) {
    const [alone] = await rewardsOf(1, [rows[i]!]);
    assert.ok(Math.abs(alone! - rewards[i]!) < 1e-5, `row ${i}: ${alone} alone, ${rewards[i]} in its batch`);
  }
});

it("a reward is read at the last token of a row, even if it is a pad or end-of-sequence id", async () => {
  const ends = [
    { ids: [1, 5, 6, 2], promptLength: 2 },
    { ids: [1, 5, 6, 2, 2, 0], promptLength: 2 },
    { ids: [1, 5, 6], promptLength: 2 },
  ];
  const alone = await Promise.all(ends.map(async (row) => (await rewardsOf(1, [row]))[0]!));
  (await rewardsOf(1, ends)).forEach((reward, i) => assert.ok(Math.abs(reward - alone[i]!) < 1e-5));
  assert.equal(new Set(alone.map((reward) => reward.toFixed(4))).size, 3);
});

it("a policy has no rewards and a reward model no log-probabilities", async () => {
  const policy = tinyCheckpoint();
  const ofPolicy = await SequenceScorer.create(policy.config, options);
  await assert.rejects(ofPolicy.rewards(loadWeights(policy), rows), { code: "architecture_unsupported" });
  await ofPolicy.close();
  const ofReward = await SequenceScorer.create(checkpoint.config, options);
  await assert.rejects(ofReward.logps(weights, rows), { code: "architecture_unsupported" });
  await ofReward.close();
});

it("log-probabilities of choices are those of answers with one token", async () => {
  const policy = tinyCheckpoint();
  const scorer = await SequenceScorer.create(policy.config, options);
  const prompts = rows.slice(0, 40).map(({ ids }, i) => ({ ids, choices: i % 2 ? [9, 4] : [4, 7, 9] }));
  const asked = await scorer.choiceLogps(loadWeights(policy), prompts);
  const answers = prompts.flatMap(({ ids, choices }) =>
    choices.map((choice) => ({ ids: [...ids, choice], promptLength: ids.length })),
  );
  const expected = await scorer.logps(loadWeights(policy), answers);
  assert.deepEqual(
    asked.map((logps) => logps.length),
    prompts.map(({ choices }) => choices.length),
  );
  asked
    .flat()
    .forEach((logp, i) =>
      assert.ok(Math.abs(logp - expected[i]!) < 1e-5, `${i}: ${logp} and ${expected[i]}`),
    );
  await scorer.close();
});

it("an empty answer has log-probability 0", async () => {
  const policy = tinyCheckpoint();
  const scorer = await SequenceScorer.create(policy.config, options);
  const empty = { ids: [1, 5], promptLength: 2 };
  assert.deepEqual(await scorer.logps(loadWeights(policy), [empty]), [0]);
  assert.equal((await scorer.logps(loadWeights(policy), [empty, { ids: [1, 5, 6], promptLength: 2 }]))[0], 0);
  await scorer.close();
});

it("grouped rows have the rewards of rows alone within 1e-5, for all kinds of heads", async () => {
  for (const config of [
    {},
    { kvHeads: 4 },
    { kvHeads: 1, tiedEmbeddings: false },
    { architecture: "Qwen3ForCausalLM" as const },
    { architecture: "Qwen2ForCausalLM" as const },
  ]) {
    const reward = rewardModelFrom(tinyCheckpoint(config), "0000000000000005");
    const scorer = await SequenceScorer.create(reward.config, options);
    near(await scorer.rewards(loadWeights(reward), grouped), await dense(reward, "rewards", grouped));
    await scorer.close();
  }
});

it("grouped rows have the log-probabilities of rows alone within 1e-5", async () => {
  const policy = tinyCheckpoint();
  const scorer = await SequenceScorer.create(policy.config, options);
  const asked = await scorer.tokenLogps(loadWeights(policy), grouped);
  asked.forEach((logps, row) =>
    assert.equal(logps.length, grouped[row]!.ids.length - grouped[row]!.promptLength),
  );
  const filled = grouped.filter(({ ids, promptLength }) => ids.length > promptLength);
  near(
    asked.flatMap((logps) => Array.from(logps)),
    await dense(policy, "logps", filled),
  );
  await scorer.close();
});

it("scores have the same bits on one, two and three threads", async () => {
  // Wide enough for three threads.
  const wide = initCheckpoint(
    { ...TINY, hiddenSize: 256, intermediateSize: 320, heads: 8, kvHeads: 2, headSize: 32, vocabSize: 300 },
    "0000000000000001",
  );
  const reward = rewardModelFrom(wide, "0000000000000005");
  const runs = [];
  for (const threads of [1, 2, 3]) {
    const [ofReward, ofPolicy] = [
      await SequenceScorer.create(reward.config, { threads, spinning: false }),
      await SequenceScorer.create(wide.config, { threads, spinning: false }),
    ];
    runs.push([
      await ofReward.rewards(loadWeights(reward), grouped),
      await ofPolicy.logps(loadWeights(wide), grouped),
    ]);
    await ofReward.close();
    await ofPolicy.close();
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});

it("running out of memory names the batch's longest row", async () => {
  const scorer = await SequenceScorer.create(checkpoint.config, options);
  const endless = {
    ids: new Array<number>(1_000_000).fill(5),
    promptLength: 2,
    name: "an answer to prompt p7",
  };
  await assert.rejects(scorer.rewards(weights, [rows[0]!, endless]), {
    code: "out_of_memory",
    kind: "resource",
    message: new RegExp(
      "^scoring 1 rows at once, the longest of 1000000 tokens " +
        String.raw`\(an answer to prompt p7\): no memory for an array`,
    ),
  });
  await scorer.close();
});
