// Compares how the engine, transformers and TRL encode conversations and rows (make.py wrote the values), for
// ten kinds of template on three kinds of tokenizer. The test names the intended differences from TRL
// (docs/spec.md, Training rows).
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Sequence } from "../../../engine/model/index.ts";
import { TINY } from "../../../engine/tiny-model.test.support.ts";
import type { ChatMessage } from "../../../engine/tokenizer/chat.ts";
import { Tokenizer } from "../../../engine/tokenizer/tokenizer.ts";
import { sequencesOf, usableRows } from "../../../engine/train/rows.ts";
import { readTrainRows } from "../../../runtimes/onnx/rows.ts";
import type { TrainTask } from "../../../runtimes/types.ts";

interface Talk {
  title: string;
  messages: ChatMessage[];
  promptIds: number[];
  ids: number[];
  /** 1: a token of the assistant. Only for templates with `{% generation %}`. */
  assistant?: number[];
}

interface Case {
  tokenizer: string;
  postProcessor: unknown;
  config: { eos_token: string };
  jinja?: string;
  talks: Talk[];
  texts: { prompt: string; answer: string; promptIds: number[]; ids: number[] }[];
  /** `trained`: ids of the same answer in a row of TRL's reward trainer, which reads it at their end. */
  sampled: {
    way: "own" | "eos";
    prompt: ChatMessage[];
    text: string;
    ids: number[];
    trained: number[];
  }[];
}

interface Prepared {
  trainer: "dpo" | "reward" | "sft";
  form: string;
  maxLength: number | null;
  promptMask?: boolean;
  assistantOnly?: boolean;
  rows: object[];
  /**
   * Per row; null: dropped. dpo: [ids, prompt length] of both sides; reward: ids of both sides; sft: ids and
   * labels.
   */
  made: unknown[];
}

/** Reads a file of this folder's sources. */
const read = async <T>(name: string): Promise<T> =>
  JSON.parse(
    await readFile(
      fileURLToPath(new URL(`../../../../test/golden/templates/${name}`, import.meta.url)),
      "utf8",
    ),
  ) as T;

const scratch = await mkdtemp(join(tmpdir(), "ratchet-templates-"));
after(() => rm(scratch, { recursive: true, force: true }));

const codecs = await read<Record<string, object>>("tokenizers.json");
const { cases } = await read<{ cases: Record<string, Case> }>("templates.json");
const prepared = (await read<{ cases: Record<string, Prepared[]> }>("rows.json")).cases;

const vocabSize = 1000;

const BOT: ChatMessage = { role: "assistant", content: "No." };

async function load({ tokenizer, postProcessor, config, jinja }: Case): Promise<Tokenizer> {
  const dir = await mkdtemp(join(scratch, "case-"));
  await writeFile(
    join(dir, "tokenizer.json"),
    JSON.stringify({ ...codecs[tokenizer], post_processor: postProcessor }),
  );
  await writeFile(join(dir, "tokenizer_config.json"), JSON.stringify(config));
  if (jinja !== undefined) await writeFile(join(dir, "chat_template.jinja"), jinja);
  const { bosId: _bos, padId: _pad, ...model } = TINY;
  return Tokenizer.load(dir, { ...model, vocabSize, eosIds: [] });
}

/** Some templates write a line break between the answer and its end. */
const withoutBreak = (text: string): string => text.replace(/\n+$/, "");

const startsWith = (ids: readonly number[], start: readonly number[]): boolean =>
  start.every((id, i) => id === ids[i]);

for (const [name, golden] of Object.entries(cases)) {
  it(`${name}: conversations, prompts and the assistant's tokens are transformers'`, async () => {
    const tokenizer = await load(golden);
    for (const { title, messages, promptIds, ids, assistant } of golden.talks) {
      assert.deepEqual(
        tokenizer.encodePrompt({ messages: messages.slice(0, -1) }),
        promptIds,
        `prompt of ${title}`,
      );
      assert.deepEqual(tokenizer.encodeConversation(messages), ids, title);
      if (assistant)
        assert.deepEqual(
          tokenizer.encodeAssistant(messages).assistant.map(Number),
          assistant,
          `assistant's tokens of ${title}`,
        );
      else assert.throws(() => tokenizer.encodeAssistant(messages), { code: "chat_template_unsupported" });
    }
  });

  it(`${name}: training ids begin with the prompt's ids, unless the row counts as merged`, async () => {
    const tokenizer = await load(golden);
    const merged: string[] = [];
    const compare = (
      title: string,
      promptIds: number[],
      answer: { ids: number[]; merged: boolean },
      whole: number[],
    ): void => {
      assert.equal(answer.merged, !startsWith(whole, promptIds), title);
      if (answer.merged) merged.push(title);
      else assert.deepEqual([...promptIds, ...answer.ids], whole, title);
    };
    for (const { title, messages, ids } of golden.talks) {
      const prompt = { messages: messages.slice(0, -1) };
      const { content } = messages.at(-1)!;
      const answer = tokenizer.encodeAnswer(prompt, content);
      compare(title, tokenizer.encodePrompt(prompt), answer, ids);
      // A merged row still has the same text.
      const spelled = /[<☃ж]|^\s|\s$/.test(content);
      if (answer.merged && !spelled)
        assert.equal(
          withoutBreak(tokenizer.decodeAnswer(tokenizer.encodePrompt(prompt), answer.ids)),
          content,
          title,
        );
    }
    for (const { prompt, answer, promptIds, ids } of golden.texts) {
      assert.deepEqual(tokenizer.encodePrompt({ prompt }), promptIds, JSON.stringify(prompt));
      const encoded = tokenizer.encodeAnswer({ prompt }, answer);
      compare(JSON.stringify([prompt, answer]), promptIds, encoded, ids);
      if (encoded.merged) assert.equal(tokenizer.decodeAnswer(promptIds, encoded.ids), answer);
    }
    assert.ok(merged.length > 0, "some of these texts merge with every tokenizer");
  });

  it(`${name}: a reward is read behind the same tokens in training and for sampled answers`, async () => {
    const tokenizer = await load(golden);
    const reader = { kind: "reward" } as const;
    assert.ok(golden.sampled.length >= 8);
    for (const { way, prompt, text, ids, trained } of golden.sampled) {
      const title = JSON.stringify([way, text]);
      const messages = { messages: prompt };
      const scored = tokenizer.closeAnswer(messages, { ids, text, finish: "eos" });
      assert.deepEqual(scored, trained, title);
      assert.ok(scored.length <= ids.length + tokenizer.closingLength(messages), title);
      assert.ok(tokenizer.endsOf(messages).has(ids.at(-1)!), `${title}: the last id ends an answer`);
      const row = {
        prompt,
        chosen: [{ role: "assistant", content: text }],
        rejected: [BOT],
        chosen_ids: ids,
      };
      const path = join(scratch, "row.jsonl");
      await writeFile(path, JSON.stringify({ ...row, rejected_ids: ids }));
      const [read] = (await readTrainRows(path, reader, tokenizer, vocabSize)).rows;
      assert.deepEqual(
        sequencesOf(read!).map((side) => side.ids.slice(side.promptLength)),
        [trained, trained],
        title,
      );
    }
  });

  for (const entry of prepared[name]!) {
    const { trainer, form, maxLength, promptMask, assistantOnly } = entry;
    const settings = [
      ...(maxLength === null ? [] : [`cut at ${maxLength}`]),
      ...(promptMask ? ["completions only"] : []),
      ...(assistantOnly ? ["assistant only"] : []),
    ];
    const with_ = settings.map((setting) => `, ${setting}`).join("");
    it(`${name}: rows of ${form} are as in TRL's ${trainer} trainer${with_}`, async () => {
      const tokenizer = await load(golden);
      for (const [i, row] of entry.rows.entries()) {
        const ours = await prepare(row, entry, tokenizer);
        const theirs = undoubled(asTheirs(entry.made[i], entry), tokenizer);
        if (ours.dropped === "empty_prompt")
          assert.deepEqual(
            tokenizer.encodePrompt({ prompt: "" }),
            [],
            `row ${i}: TRL keeps a row whose prompt has no token`,
          );
        else if (ours.sides && ours.merged && !assistantOnly)
          assert.notDeepEqual(ours.sides, theirs, `row ${i}: TRL trains on the merged token`);
        else assert.deepEqual(ours.sides, theirs, `row ${i}`);
      }
    });
  }
}

/** The ids, and for each whether the loss includes it; a reward model's rows have no loss on tokens. */
interface Side {
  ids: readonly number[];
  loss?: boolean[];
}

function taskOf({ trainer, promptMask = false, assistantOnly }: Prepared): TrainTask {
  if (trainer !== "sft") return trainer === "dpo" ? { kind: "dpo", beta: 0.1 } : { kind: "reward" };
  return { kind: "sft", promptMask, assistantOnly: assistantOnly || undefined };
}

/** One row as the runtime reads it and the engine trains on it. */
async function prepare(
  row: object,
  entry: Prepared,
  tokenizer: Tokenizer,
): Promise<{ sides: Side[] | undefined; merged: boolean; dropped?: string | undefined }> {
  const path = join(scratch, "row.jsonl");
  await writeFile(path, JSON.stringify(row));
  const { rows, merged } = await readTrainRows(path, taskOf(entry), tokenizer, vocabSize);
  // A second row that fits, because at least one row has to remain.
  const fitting = { ids: [4, 5], promptLength: 1 };
  const { used, dropped } = usableRows([...rows, fitting], {
    maxLength: entry.maxLength ?? Infinity,
    truncation: entry.trainer === "reward" ? undefined : "keep_start",
  });
  const kept = used.length === 2 ? used[0] : undefined;
  return {
    sides: kept && sequencesOf(kept).map((sequence) => sideOf(sequence, entry)),
    merged: merged > 0,
    dropped: Object.keys(dropped)[0],
  };
}

function sideOf({ ids, promptLength, lossMask }: Sequence, { trainer, promptMask }: Prepared): Side {
  if (trainer === "reward") return { ids };
  const answer = (position: number): boolean =>
    (trainer === "sft" && !promptMask) || position >= promptLength;
  return {
    ids,
    loss: ids.map((_, position) => position > 0 && (lossMask ? lossMask[position]! : answer(position))),
  };
}

function asTheirs(row: unknown, { trainer }: Prepared): Side[] | undefined {
  if (row === null) return undefined;
  if (trainer === "reward") return (row as number[][]).map((ids) => ({ ids }));
  if (trainer === "dpo")
    return (row as [number[], number][]).map(([ids, promptLength]) => ({
      ids,
      loss: ids.map((_, position) => position > 0 && position >= promptLength),
    }));
  const [ids, labels] = row as [number[], number[]];
  return [{ ids, loss: labels.map((label, position) => position > 0 && label !== -100) }];
}

/** TRL keeps a second BOS if both the template and the tokenizer write one. */
function undoubled(sides: Side[] | undefined, { bosId }: Tokenizer): Side[] | undefined {
  return sides?.map(({ ids, loss }) => {
    const doubled = bosId !== undefined && ids[0] === bosId && ids[1] === bosId;
    if (!doubled) return loss ? { ids, loss } : { ids };
    return loss ? { ids: ids.slice(1), loss: [false, ...loss.slice(2)] } : { ids: ids.slice(1) };
  });
}
