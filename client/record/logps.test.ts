import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import {
  initAdapter,
  mergeAdapter,
  readCheckpoint,
  rewardModelFrom,
  writeAdapter,
  writeCheckpoint,
} from "../../engine/index.ts";
import { writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { logpsOfFile } from "./logps.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-logps-"));
after(() => rm(dir, { recursive: true, force: true }));
await writeTinyModel(dir);
const input = join(dir, "rows.jsonl");

async function logps(...rows: (object | string)[]): ReturnType<typeof logpsOfFile> {
  await writeFile(
    input,
    rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""),
  );
  return logpsOfFile(dir, input);
}

it("text and its token ids have the same log-probabilities, whatever other rows the file has", async () => {
  const [text, ids, mixed, chat] = await logps(
    { id: "a", prompt: "red fish", completion: " blue sea" },
    { prompt_ids: [1, 4, 7], completion_ids: [6, 11, 2] },
    { prompt: "red fish", completion_ids: [6, 11, 2] },
    { messages: [{ role: "user", content: "red fish" }], completion: "moon" },
  );
  assert.deepEqual([text!.id, text!.promptIds, text!.completionIds], ["a", [1, 4, 7], [6, 11, 2]]);
  for (const other of [ids!, mixed!])
    assert.deepEqual(other, {
      id: undefined,
      promptIds: text!.promptIds,
      completionIds: text!.completionIds,
      logps: text!.logps,
      sum: text!.sum,
    });
  assert.ok(text!.logps.length === 3 && text!.logps.every((logp) => logp < 0));
  assert.ok(Math.abs(text!.sum - text!.logps.reduce((a, b) => a + b)) < 1e-9);
  assert.deepEqual(chat!.completionIds, [10, 2]);
  const [alone] = await logps({ prompt_ids: [1, 4, 7], completion_ids: [6, 11, 2] });
  alone!.logps.forEach((logp, place) => assert.ok(Math.abs(logp - ids!.logps[place]!) < 1e-5));
});

const wrong: [row: object | string, code: string, message: RegExp][] = [
  ["{", "row_invalid", /rows\.jsonl:2 is not JSON/],
  [[1], "row_invalid", /rows\.jsonl:2: the row is \[1\], but must be an object/],
  [
    { prompt: "red", completion: "sea", answer: "sun" },
    "row_invalid",
    /:2: unknown column "answer"; known: id, prompt, /,
  ],
  [{ completion: "sea" }, "row_invalid", /:2: the row has none of `prompt`, `messages`, `prompt_ids`/],
  [
    { prompt: "red", prompt_ids: [4], completion: "sea" },
    "row_invalid",
    /:2: the row has `prompt` and `prompt_ids`, but may have only one/,
  ],
  [{ prompt: "red" }, "row_invalid", /:2: the row has none of `completion`, `completion_ids`/],
  [
    { prompt_ids: [1, 4], completion: "sea" },
    "row_invalid",
    /:2: .*encoding a completion needs the prompt's text/,
  ],
  [
    { prompt_ids: [1, -4], completion_ids: [4] },
    "row_invalid",
    /:2: prompt_ids is \[1,-4\], but must be a list of token ids/,
  ],
  [{ prompt_ids: [1], completion_ids: [] }, "row_invalid", /rows\.jsonl:2 has a completion without a token/],
  [
    { prompt_ids: [1], completion_ids: [12] },
    "tokenizer_mismatch",
    /token id 12 and the model has 12 embeddings/,
  ],
  [{ prompt: "red zebra", completion: "sea" }, "tokenizer_mismatch", /no token for "zebra"/],
  [
    { prompt_ids: [1], completion_ids: Array.from({ length: 64 }, () => 4) },
    "row_too_long",
    /makes 65 tokens and the model reads 64/,
  ],
];
for (const [row, code, message] of wrong) {
  it(`a row is refused with its line: ${message.source.replaceAll("\\", "")}`, async () => {
    await assert.rejects(logps({ prompt: "red", completion: " sea" }, row), { kind: "spec", code, message });
  });
}

it("an adapter's folder has the log-probabilities of the model that it makes of its base", async () => {
  const base = await readCheckpoint(dir);
  const adapter = initAdapter(base.config, { rank: 2, alpha: 8, targets: ["v_proj"] }, "0000000000000005");
  for (const { data } of adapter.weights.values()) data.fill(0.2);
  const [adapted, merged] = [join(dir, "adapted"), join(dir, "merged")];
  await writeAdapter(adapted, adapter);
  const config = join(adapted, "adapter_config.json");
  await writeFile(
    config,
    (await readFile(config, "utf8")).replace(
      '"base_model_name_or_path": null',
      '"base_model_name_or_path": ".."',
    ),
  );
  await writeCheckpoint(merged, mergeAdapter(base, adapter), dir);
  const [plain] = await logps({ prompt: "red fish", completion: " blue sea" });
  const found = await logpsOfFile(adapted, input);
  assert.deepEqual(found, await logpsOfFile(merged, input));
  assert.notDeepEqual(found[0]!.logps, plain!.logps);
});

it("a missing file or checkpoint, and a reward model, are refused by name", async () => {
  await assert.rejects(logpsOfFile(dir, join(dir, "none.jsonl")), { code: "file_missing" });
  await writeFile(input, "");
  await assert.rejects(logpsOfFile(dir, input), { code: "file_empty" });
  await writeFile(input, JSON.stringify({ prompt_ids: [1], completion_ids: [4] }));
  await assert.rejects(logpsOfFile(join(dir, "none"), input), { code: "artifact_missing" });
  const reward = await mkdtemp(join(dir, "reward-"));
  await writeTinyModel(reward, rewardModelFrom(await readCheckpoint(dir), "0000000000000005"));
  await assert.rejects(logpsOfFile(reward, input), { code: "architecture_unsupported" });
});
