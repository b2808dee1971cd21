// Where the rows of a reward's training end. test/golden/templates compares answers that end by a token with
// TRL; no trainer knows stop texts.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { TINY, writeTinyTokenizer } from "../../engine/tiny-model.test.support.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { PairRow } from "../../engine/train/index.ts";
import { readTrainRow } from "./rows.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-rows-"));
after(() => rm(dir, { recursive: true, force: true }));
await writeTinyTokenizer(dir);
const tokenizer = await Tokenizer.load(dir, TINY);
const place = { path: "pairs.jsonl", line: 1 };

it("a sampled answer that a stop text ended is trained on as it is scored, in text and conversations", () => {
  const user = [{ role: "user", content: "red fish" }];
  const bot = (content: string) => [{ role: "assistant", content }];
  const ids = tokenizer.encodeAnswer({ prompt: "red fish" }, " blue sea moon").ids.slice(0, -1);
  const forms = [
    {
      text: " blue",
      prompt: { prompt: "red fish" },
      row: { prompt: "red fish", chosen: " blue", rejected: " moon" },
    },
    {
      text: "blue",
      prompt: { messages: user },
      row: { prompt: user, chosen: bot("blue"), rejected: bot("moon") },
    },
  ];
  for (const { text, prompt, row } of forms)
    for (const margin of [undefined, true] as const) {
      const value = { ...row, chosen_ids: ids, margin: 1 };
      const read = readTrainRow(value, place, { kind: "reward", margin }, tokenizer, TINY.vocabSize);
      const scored = tokenizer.closeAnswer(prompt, { ids, text, finish: "stop" });
      const { chosen } = read.rows[0] as PairRow;
      assert.deepEqual(chosen.ids.slice(chosen.promptLength), scored);
      const policy = readTrainRow(value, place, { kind: "dpo" } as never, tokenizer, TINY.vocabSize);
      const sampled = (policy.rows[0] as PairRow).chosen;
      assert.deepEqual(sampled.ids.slice(sampled.promptLength), ids, "a policy trains on the sampled ids");
    }
});
