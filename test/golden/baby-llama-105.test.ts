// Compares the engine with transformers on a real pretrained checkpoint (baby-llama-105.py wrote the values).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readCheckpoint } from "../../engine/checkpoint/checkpoint.ts";
import { Graph, Session } from "../../engine/graph/index.ts";
import {
  declareParameters,
  declareSelection,
  declareSequences,
  encodeForRewards,
  logits,
} from "../../engine/model/index.ts";
import { Tape } from "../../engine/ops/tape.ts";
import { SequenceScorer } from "../../engine/score/scorer.ts";
import { RotaryFeeds } from "../../engine/score/rotary-feeds.ts";
import { loadWeights, toFeeds } from "../../engine/score/weights.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";

interface Golden {
  rows: {
    prompt: string;
    answer: string;
    promptIds: number[];
    answerIds: number[];
    answerLogps: number[];
    firstLogits: number[];
  }[];
}

/** A path relative to the root of the repository. */
const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const dir = at("../shared/models/baby-llama-105");
const skip = existsSync(dir) ? false : "../shared/models/baby-llama-105 is absent";
const golden = async (): Promise<Golden> =>
  JSON.parse(await readFile(at("test/golden/baby-llama-105.json"), "utf8")) as Golden;
const options = { threads: 1, spinning: false };

it("prompts and answers have transformers' token ids", { skip }, async () => {
  const tokenizer = await Tokenizer.load(dir, (await readCheckpoint(dir)).config);
  for (const { prompt, answer, promptIds, answerIds } of (await golden()).rows) {
    assert.deepEqual(tokenizer.encodePrompt({ prompt }), promptIds);
    assert.deepEqual(tokenizer.encodeAnswer({ prompt }, answer), { ids: answerIds, merged: false });
    assert.equal(tokenizer.decodeAnswer(promptIds, answerIds), answer);
  }
});

it("log-probabilities of answers are transformers' within 1e-4 per token", { skip }, async () => {
  const checkpoint = await readCheckpoint(dir);
  const { rows } = await golden();
  const scorer = await SequenceScorer.create(checkpoint.config, options);
  const logps = await scorer.tokenLogps(
    loadWeights(checkpoint),
    rows.map(({ promptIds, answerIds }) => ({
      ids: [...promptIds, ...answerIds],
      promptLength: promptIds.length,
    })),
  );
  await scorer.close();
  rows.forEach(({ answerLogps }, i) =>
    answerLogps.forEach((logp, t) => assert.ok(Math.abs(logp - logps[i]![t]!) < 1e-4, `row ${i} token ${t}`)),
  );
});

it("logits after the prompts are transformers' within 1e-4", { skip }, async () => {
  const checkpoint = await readCheckpoint(dir);
  const { rows } = await golden();
  const t = new Tape(new Graph());
  const parameters = declareParameters(t, checkpoint.config);
  const sequences = declareSequences(t, checkpoint.config);
  t.graph.output(
    "logits",
    logits(t, checkpoint.config, parameters, sequences, declareSelection(t, sequences)),
  );
  const session = await Session.create(t.graph, options);
  const feeds = toFeeds(
    encodeForRewards(rows.map(({ promptIds }) => ({ ids: promptIds, promptLength: promptIds.length }))),
  );
  const output = (
    await session.raw({
      ...loadWeights(checkpoint),
      ...new RotaryFeeds(checkpoint.config).upTo(checkpoint.config.maxPositions),
      ...feeds,
    })
  )["logits"]!.data as Float32Array;
  await session.close();
  const expected = rows.flatMap(({ firstLogits }) => firstLogits);
  assert.equal(output.length, expected.length);
  expected.forEach((logit, i) =>
    assert.ok(Math.abs(logit - output[i]!) < 1e-4, `logit ${i}: ${logit} and ${output[i]}`),
  );
});

it(
  "`ratchet logps` prints transformers' log-probabilities within 1e-4 for texts and token ids",
  { skip },
  async () => {
    const { rows } = await golden();
    const folder = await mkdtemp(join(tmpdir(), "ratchet-logps-"));
    try {
      const input = join(folder, "rows.jsonl");
      const given = rows.flatMap(({ prompt, answer, promptIds, answerIds }) => [
        { prompt, completion: answer },
        { prompt_ids: promptIds, completion_ids: answerIds },
      ]);
      await writeFile(input, given.map((row) => `${JSON.stringify(row)}\n`).join(""));
      const { stdout } = await promisify(execFile)(process.execPath, [
        at("dist/cli/main.js"),
        "logps",
        "--model",
        dir,
        "--input",
        input,
        "--json",
      ]);
      const printed = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { completionIds: number[]; logps: number[] });
      assert.equal(printed.length, given.length);
      for (const [place, { completionIds, logps }] of printed.entries()) {
        const { answerIds, answerLogps } = rows[Math.floor(place / 2)]!;
        assert.deepEqual(completionIds, answerIds);
        answerLogps.forEach((logp, t) =>
          assert.ok(Math.abs(logp - logps[t]!) < 1e-4, `row ${place} token ${t}: ${logp} and ${logps[t]}`),
        );
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
