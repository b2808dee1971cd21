import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { initAdapter } from "../model/index.ts";
import type { LoraSettings } from "../model/index.ts";
import { TINY } from "../tiny-model.test.support.ts";
import { readAdapter, writeAdapter } from "./adapter.ts";

let dir = "";
before(async () => void (dir = await mkdtemp(join(tmpdir(), "ratchet-adapter-"))));
after(() => rm(dir, { recursive: true, force: true }));

const settings: LoraSettings = { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"] };

it("an adapter is read back equal", async () => {
  const adapter = initAdapter(TINY, settings, "0000000000000007");
  await writeAdapter(dir, adapter);
  assert.deepEqual(await readAdapter(dir, TINY), adapter);
});

it("settings beyond plain LoRA are refused by name", async () => {
  await writeAdapter(dir, initAdapter(TINY, settings, "0000000000000007"));
  const path = join(dir, "adapter_config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  const refused: [object, RegExp][] = [
    [{ peft_type: "IA3" }, /peft_type = "IA3"/],
    [{ use_dora: true }, /use_dora = true/],
    [{ use_rslora: true }, /use_rslora = true/],
    [{ bias: "all" }, /bias = "all"/],
    [{ init_lora_weights: "pissa" }, /init_lora_weights = "pissa"/],
    [{ modules_to_save: ["lm_head"] }, /modules_to_save = \["lm_head"\]/],
    [{ rank_pattern: { q_proj: 8 } }, /rank_pattern/],
    [{ target_modules: ["q_proj", "lm_head"] }, /target_modules = \["q_proj","lm_head"\]/],
    [{ target_modules: ".*q_proj" }, /target_modules = "\.\*q_proj"/],
    [{ r: 0 }, /r = 0/],
    [{ alora_invocation_tokens: [9, 2] }, /alora_invocation_tokens = \[9,2\]/],
    [{ alora_invocation_tokens: [] }, /alora_invocation_tokens = \[\]/],
    [{ layers_to_transform: 0 }, /layers_to_transform = 0/],
    [{ target_parameters: ["mlp.up_proj.weight"] }, /target_parameters/],
    [{ lora_bias: true }, /lora_bias = true/],
    [{ arrow_config: { top_k: 1 } }, /arrow_config/],
    [{ kasa_config: {} }, /kasa_config/],
    [{ velora_config: { num_groups: 4 } }, /velora_config/],
    [{ task_type: "OTHER" }, /task_type = "OTHER"/],
    [{ setting_of_a_later_version: 1 }, /setting_of_a_later_version = 1/],
  ];
  for (const [change, message] of refused) {
    await writeFile(path, JSON.stringify({ ...config, ...change }));
    await assert.rejects(readAdapter(dir, TINY), { code: "adapter_unsupported", message });
  }
});

it("an adapter of another model, and tensors without a target, are errors that name the tensor", async () => {
  const adapter = initAdapter(TINY, settings, "0000000000000007");
  await writeAdapter(dir, adapter);
  await assert.rejects(readAdapter(dir, { ...TINY, intermediateSize: 32 }), {
    code: "checkpoint_invalid",
    message: /layers\.0\.mlp\.down_proj\.lora_A\.weight, and the model needs \[2, 32\]/,
  });
  await assert.rejects(readAdapter(dir, { ...TINY, layers: 3 }), {
    code: "checkpoint_invalid",
    message: /nothing for .*layers\.2/,
  });
  await assert.rejects(readAdapter(dir, { ...TINY, layers: 1 }), {
    code: "checkpoint_invalid",
    message: /holds tensor ".*layers\.1.*for which adapter_config\.json has no target/,
  });
});
