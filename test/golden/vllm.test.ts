// What vLLM 0.32.0 (its CPU build, float32) answered to the runtime `vllm`, and the fake that tests use in
// its place. The canary's two requests come first, then one that a stop text ended, then one with filters.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { tinyCheckpoint, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { readAnswer, readGiven } from "../../runtimes/vllm/protocol.ts";
import { FakeVllm } from "../support/fake-vllm.ts";

interface Transcript {
  path: string;
  body?: string;
  status: number;
  text: string;
}

interface Asked {
  prompt: number[];
  max_tokens: number;
  prompt_logprobs?: number;
}

const FILE = new URL("../../../test/golden/vllm/transcripts.jsonl", import.meta.url);
const transcripts = readFileSync(FILE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Transcript);
const asked = ({ body }: Transcript): Asked => JSON.parse(body!) as Asked;
const completions = transcripts.filter(({ path }) => path === "/v1/completions");
const answers = completions.filter((one) => asked(one).prompt_logprobs === undefined);

it("reads ids, log-probabilities and the end of each recorded answer", () => {
  const found = answers.map((one) => {
    const { ids, logps, finish, stopReason, promptTokens, completionTokens } = readAnswer(one.text);
    const { prompt, max_tokens: most } = asked(one);
    assert.deepEqual([promptTokens, completionTokens, logps.length], [prompt.length, ids.length, ids.length]);
    assert.ok(logps.every((logp) => logp <= 0));
    assert.equal(finish === "length", ids.length === most);
    return [finish, stopReason];
  });
  assert.deepEqual(found, [
    ["length", null],
    ["stop", "."],
    ["length", null],
  ]);
});

it("the recorded canary agrees with itself: raw log-probabilities, although its temperature is 2", () => {
  const [answer, given] = completions as [Transcript, Transcript];
  const { ids, logps } = readAnswer(answer.text);
  const sent = asked(given).prompt;
  assert.deepEqual(sent, [...asked(answer).prompt, ...ids]);
  const again = readGiven(given.text, sent).slice(-ids.length);
  for (const [at, logp] of logps.entries()) assert.ok(Math.abs(logp - again[at]!) < 1e-4, `token ${at}`);
});

/** Members with their types; of an array, those of its last entry. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value.at(-1))];
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}

/** The members that the runtime reads. */
function readMembers(text: string): unknown {
  const { choices, usage } = JSON.parse(text) as {
    choices: Record<string, unknown>[];
    usage: Record<string, unknown>;
  };
  const { token_ids, text: shown, logprobs, finish_reason, stop_reason, prompt_logprobs } = choices[0]!;
  const { token_logprobs } = (logprobs ?? {}) as { token_logprobs?: unknown };
  const rows = prompt_logprobs as Record<string, unknown>[] | null;
  const { prompt_tokens, completion_tokens } = usage;
  return shapeOf({
    choices: choices.length,
    token_ids,
    shown,
    finish_reason,
    stop_reason,
    prompt_tokens,
    completion_tokens,
    token_logprobs,
    // Named by token ids.
    prompt_logprobs: rows && [rows[0], Object.values(rows.at(-1)!)[0]],
  });
}

it("the fake answers with the members and types that vLLM answered with", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ratchet-vllm-"));
  await writeTinyModel(dir, tinyCheckpoint());
  const fake = await FakeVllm.start({ dir, name: "served" });
  try {
    const [answer, given] = completions as [Transcript, Transcript];
    for (const one of [answer, given]) {
      const body = { ...asked(one), model: "served", prompt: [4, 5, 6, 7], stop_token_ids: [] };
      const reply = await fetch(`${fake.address}/v1/completions`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      assert.deepEqual(readMembers(await reply.text()), readMembers(one.text));
    }
  } finally {
    await fake.close();
    await rm(dir, { recursive: true });
  }
});
