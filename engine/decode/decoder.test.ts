import assert from "node:assert/strict";
import { it } from "node:test";
import { SequenceScorer } from "../score/scorer.ts";
import { loadWeights } from "../score/weights.ts";
import { tinyCheckpoint } from "../tiny-model.test.support.ts";
import { Decoder } from "./decoder.ts";
import type { DecodedRow, DecodeRow, DecodeSettings } from "./decoder.ts";

const checkpoint = tinyCheckpoint();
const weights = loadWeights(checkpoint);
const seed = (n: number): string => n.toString(16).padStart(16, "0");
const settings: DecodeSettings = { maxTokens: 40, topK: 0, topP: 1, minP: 0 };
const eosIds = new Set([2]);

/** Prompts of 1 to 19 tokens with three samples each, at three temperatures. */
const rows: DecodeRow[] = Array.from({ length: 36 }, (_, i) => {
  const prompt = Math.floor(i / 3);
  return {
    promptIds: [1, ...Array.from({ length: (prompt * 5) % 19 }, (__, t) => 4 + ((prompt + t * 3) % 8))],
    temperature: [1, 0.7, 1.4][i % 3]!,
    seed: seed(i),
    eosIds,
  };
});

async function withDecoder<T>(threads: number, work: (decoder: Decoder) => Promise<T>): Promise<T> {
  const decoder = await Decoder.create(checkpoint.config, weights, { threads, spinning: false });
  try {
    return await work(decoder);
  } finally {
    await decoder.close();
  }
}

async function recomputed(answers: DecodedRow[], of: DecodeRow[]): Promise<Float32Array[]> {
  const scorer = await SequenceScorer.create(checkpoint.config, { threads: 1, spinning: false });
  try {
    return await scorer.tokenLogps(
      weights,
      answers.map(({ ids }, i) => ({
        ids: [...of[i]!.promptIds, ...ids],
        promptLength: of[i]!.promptIds.length,
      })),
    );
  } finally {
    await scorer.close();
  }
}

it("equal requests give the same ids and bits of log-probabilities, also on two threads", async () => {
  const first = await withDecoder(1, async (decoder) => {
    const answers = await decoder.generate(rows, settings);
    assert.deepEqual(await decoder.generate(rows, settings), answers);
    return answers;
  });
  assert.deepEqual(await withDecoder(2, (decoder) => decoder.generate(rows, settings)), first);
  assert.ok(
    first.some(({ finish }) => finish === "eos") && first.some(({ finish }) => finish === "length"),
    "the batch has rows that end and rows that do not",
  );
});

it("log-probabilities are those of a whole forward pass at temperature 1, within 1e-4", async () => {
  const answers = await withDecoder(1, (decoder) => decoder.generate(rows, settings));
  const again = await recomputed(answers, rows);
  answers.forEach(({ logps, ids, finish }, i) => {
    logps.forEach((logp, t) =>
      assert.ok(Math.abs(logp - again[i]![t]!) < 1e-4, `row ${i} token ${t}: ${logp} and ${again[i]![t]}`),
    );
    assert.equal(finish === "eos", ids.at(-1) === 2);
    assert.equal(ids.indexOf(2), finish === "eos" ? ids.length - 1 : -1);
    assert.ok(finish === "eos" || ids.length === 40);
  });
});

it("a row's random numbers do not depend on other rows: alone it draws the same tokens", async () => {
  await withDecoder(1, async (decoder) => {
    const answers = await decoder.generate(rows, settings);
    for (const i of [0, 7, 35]) {
      const [alone] = await decoder.generate([rows[i]!], settings);
      // Other matrix shapes round differently, but no draw here is within 1e-6 of a border between tokens.
      assert.deepEqual(alone!.ids, answers[i]!.ids);
    }
  });
});

it("pairs of tokens follow their exact joint distribution (χ², 99.9 %)", async () => {
  const count = 4000;
  const sampled: DecodeRow[] = Array.from({ length: count }, (_, i) => ({
    promptIds: [1, 5, 9],
    temperature: 1,
    seed: seed(1000 + i),
  }));
  const answers = await withDecoder(1, (decoder) => decoder.generate(sampled, { ...settings, maxTokens: 2 }));
  const vocab = checkpoint.config.vocabSize;
  const pairs = Array.from({ length: vocab * vocab }, (_, n) => [Math.floor(n / vocab), n % vocab]);
  const scorer = await SequenceScorer.create(checkpoint.config, { threads: 1, spinning: false });
  const exact = (
    await scorer.logps(
      weights,
      pairs.map((ids) => ({ ids: [1, 5, 9, ...ids], promptLength: 3 })),
    )
  ).map(Math.exp);
  await scorer.close();
  assert.ok(Math.abs(exact.reduce((a, b) => a + b, 0) - 1) < 1e-5);
  const counts = pairs.map(() => 0);
  for (const { ids } of answers) counts[ids[0]! * vocab + ids[1]!]!++;
  // Cells with an expectation below five are pooled.
  let [statistic, cells, pooledCount, pooledExpected] = [0, 0, 0, 0];
  exact.forEach((p, n) => {
    if (p * count < 5) [pooledCount, pooledExpected] = [pooledCount + counts[n]!, pooledExpected + p * count];
    else [statistic, cells] = [statistic + (counts[n]! - p * count) ** 2 / (p * count), cells + 1];
  });
  if (pooledExpected > 0)
    [statistic, cells] = [statistic + (pooledCount - pooledExpected) ** 2 / pooledExpected, cells + 1];
  // Wilson and Hilferty's approximation of the 99.9 % point.
  const freedom = cells - 1;
  const limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
  assert.ok(
    statistic < limit,
    `χ² = ${statistic.toFixed(1)} over ${freedom} degrees of freedom, limit ${limit.toFixed(1)}`,
  );
});

it("an answer ends at the end of the context, and top-k 1 is greedy", async () => {
  await withDecoder(1, async (decoder) => {
    const long: DecodeRow = {
      promptIds: [1, ...Array.from({ length: 59 }, () => 5)],
      temperature: 1,
      seed: seed(3),
    };
    const [cut] = await decoder.generate([long], settings);
    assert.equal(cut!.ids.length, 4);
    assert.equal(cut!.finish, "length");
    const greedy = await decoder.generate([{ ...rows[0]!, temperature: 0 }], settings);
    assert.deepEqual(await decoder.generate([rows[0]!], { ...settings, topK: 1 }), greedy);
    assert.deepEqual(await decoder.generate([], settings), []);
  });
});

it("a stop rule ends a row at its token, unless that is an end-of-sequence token", async () => {
  await withDecoder(1, async (decoder) => {
    const free = await decoder.generate(rows, settings);
    const stopped = await decoder.generate(rows, {
      ...settings,
      stopped: (promptIds, ids) => promptIds[0] === 1 && ids.length > 2 && ids.at(-1) !== 7,
    });
    stopped.forEach(({ ids, finish }, i) => {
      assert.deepEqual(ids, free[i]!.ids.slice(0, ids.length));
      assert.equal(finish, ids.at(-1) === 2 ? "eos" : "stop");
      assert.ok(ids.length <= 3 || ids[2] === 7);
    });
  });
});

it("a policy with logits that are not finite is an error that names the row", async () => {
  const broken = tinyCheckpoint();
  const brokenWeights = loadWeights(broken);
  (brokenWeights["model.norm.weight"]!.data as Float32Array)[3] = NaN;
  const decoder = await Decoder.create(broken.config, brokenWeights, { threads: 1, spinning: false });
  await assert.rejects(
    decoder.generate([rows[1]!, { ...rows[0]!, name: "completion 4 of prompt p9" }], settings),
    { code: "logits_not_finite", kind: "training", message: /not finite for token 0 of row 0$/ },
  );
  await assert.rejects(decoder.generate([{ ...rows[0]!, name: "completion 4 of prompt p9" }], settings), {
    code: "logits_not_finite",
    message: /not finite for token 0 of completion 4 of prompt p9$/,
  });
  await decoder.close();
});

it("running out of memory names the batch's longest row", async () => {
  await withDecoder(1, async (decoder) => {
    const endless = {
      ...rows[0]!,
      promptIds: new Array<number>(200_000).fill(5),
      name: "completion 1 of prompt p7",
    };
    await assert.rejects(decoder.generate([rows[0]!, endless], settings), {
      code: "out_of_memory",
      message: new RegExp(
        "^generating 2 rows at once, the longest of 200000 tokens " +
          String.raw`\(completion 1 of prompt p7\): no memory for an array`,
      ),
    });
    assert.equal((await decoder.generate([rows[0]!], settings)).length, 1, "the decoder still works");
  });
});

it("an aborted batch stops between two steps with the signal's reason", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  let steps = 0;
  const onProgress = (): void => void (++steps === 3 && controller.abort(reason));
  await assert.rejects(
    withDecoder(1, (decoder) => decoder.generate(rows, settings, { signal: controller.signal, onProgress })),
    reason,
  );
  assert.equal(steps, 3);
});

it("decoding agrees with scoring for grouped or ungrouped heads, tied or untied embeddings", async () => {
  for (const config of [{ kvHeads: 4 }, { kvHeads: 1, tiedEmbeddings: false }]) {
    const other = tinyCheckpoint(config);
    const otherWeights = loadWeights(other);
    const decoder = await Decoder.create(other.config, otherWeights, { threads: 1, spinning: false });
    const scorer = await SequenceScorer.create(other.config, { threads: 1, spinning: false });
    const answers = await decoder.generate(rows.slice(0, 9), settings);
    const sums = await scorer.logps(
      otherWeights,
      answers.map(({ ids }, i) => ({
        ids: [...rows[i]!.promptIds, ...ids],
        promptLength: rows[i]!.promptIds.length,
      })),
    );
    answers.forEach(({ logps }, i) =>
      assert.ok(Math.abs(logps.reduce((a, b) => a + b, 0) - sums[i]!) < 1e-4),
    );
    await decoder.close();
    await scorer.close();
  }
});

it("128 rows of a model of the demo's size have the same bits on one and two threads", async () => {
  const demo = tinyCheckpoint(
    { vocabSize: 75, hiddenSize: 128, intermediateSize: 336, layers: 3, heads: 4, kvHeads: 4, headSize: 32 },
    3,
  );
  const demoWeights = loadWeights(demo);
  const batch: DecodeRow[] = Array.from({ length: 128 }, (_, i) => ({
    promptIds: [1, ...Array.from({ length: 8 + ((i >> 3) % 9) }, (__, t) => 4 + (((i >> 3) + t * 5) % 70))],
    temperature: 1,
    seed: seed(i),
    eosIds,
  }));
  const [one, two] = await Promise.all(
    [1, 2].map(async (threads) => {
      const decoder = await Decoder.create(demo.config, demoWeights, { threads, spinning: false });
      const answers = await decoder.generate(batch, { ...settings, maxTokens: 20 });
      await decoder.close();
      return answers;
    }),
  );
  assert.deepEqual(two, one);
});
