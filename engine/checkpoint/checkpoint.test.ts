import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rewardModelFrom } from "../model/index.ts";
import { tinyCheckpoint, writeTinyModel } from "../tiny-model.test.support.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { formatConfig, parseConfig } from "./config.ts";

let dir = "";
before(async () => void (dir = await mkdtemp(join(tmpdir(), "ratchet-checkpoint-"))));
after(() => rm(dir, { recursive: true, force: true }));

const base = JSON.parse(formatConfig(tinyCheckpoint().config)) as Record<string, unknown>;
const coded = (code: string, message: RegExp) => (error: Error & { code?: string }) => error.code === code && message.test(error.message);

test("a model folder holds the tokenizer too, and is read back equal", async () => {
  await writeTinyModel(dir);
  for (const checkpoint of [tinyCheckpoint(), tinyCheckpoint({ tiedEmbeddings: false }), rewardModelFrom(tinyCheckpoint(), "0000000000000001")]) {
    const copy = join(dir, "copy");
    await writeCheckpoint(copy, checkpoint, dir);
    assert.deepEqual((await readdir(copy)).sort(), ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    const read = await readCheckpoint(copy);
    assert.deepEqual(read.config, checkpoint.config);
    for (const [name, { data }] of checkpoint.weights) assert.deepEqual(read.weights.get(name)?.data, data);
    await rm(copy, { recursive: true });
  }
});

test("missing, additional and misshapen tensors are named", async () => {
  const folder = join(dir, "wrong");
  await mkdir(folder);
  const attempt = async (change: (weights: ReturnType<typeof tinyCheckpoint>["weights"]) => void): Promise<unknown> => {
    const checkpoint = tinyCheckpoint();
    change(checkpoint.weights);
    await writeCheckpoint(folder, checkpoint, folder);
    return readCheckpoint(folder);
  };
  await assert.rejects(attempt((weights) => weights.delete("model.norm.weight")), coded("checkpoint_invalid", /lacks tensor "model.norm.weight"/));
  await assert.rejects(attempt((weights) => weights.set("model.layers.0.self_attn.q_proj.bias", { shape: [1], data: new Float32Array(1) })), coded("checkpoint_invalid", /q_proj.bias", which LlamaForCausalLM does not have/));
  await assert.rejects(attempt((weights) => weights.set("model.norm.weight", { shape: [2], data: new Float32Array(2) })), coded("checkpoint_invalid", /shape \[2\], and config.json asks for \[16\]/));
  await writeFile(join(folder, "config.json"), "{");
  await assert.rejects(readCheckpoint(folder), coded("checkpoint_invalid", /config.json is not JSON/));
  const whole = await readFile(join(dir, "model.safetensors"));
  await writeTinyModel(folder);
  await writeFile(join(folder, "model.safetensors"), whole.subarray(0, whole.length - 100));
  await assert.rejects(readCheckpoint(folder), coded("checkpoint_invalid", /model.safetensors is not a valid safetensors file/));
});

test("settings that would change the computation are refused by name", () => {
  const refuse = (change: Record<string, unknown>, message: RegExp): void => assert.throws(() => parseConfig({ ...base, ...change }, "config.json"), coded("architecture_unsupported", message));
  refuse({ architectures: ["Qwen2ForCausalLM"] }, /architecture Qwen2ForCausalLM/);
  refuse({ architectures: undefined }, /architecture none/);
  refuse({ model_type: "mistral" }, /model_type mistral/);
  refuse({ sliding_window: 4096 }, /sliding_window = 4096/);
  refuse({ attention_bias: true }, /attention_bias = true/);
  refuse({ mlp_bias: true }, /mlp_bias = true/);
  refuse({ hidden_act: "gelu" }, /hidden_act = "gelu"/);
  refuse({ rope_scaling: { rope_type: "llama3", factor: 8 } }, /rope_scaling of type llama3/);
  refuse({ rope_parameters: { rope_type: "yarn", rope_theta: 1e4 } }, /rope_scaling of type yarn/);
  refuse({ architectures: ["LlamaForSequenceClassification"] }, /classifier with 2 labels/);
});

test("settings that are no sizes are refused, and absent ones take transformers' defaults", () => {
  const invalid = (change: Record<string, unknown>, message: RegExp): void => assert.throws(() => parseConfig({ ...base, ...change }, "config.json"), coded("checkpoint_invalid", message));
  invalid({ hidden_size: undefined }, /hidden_size = undefined/);
  invalid({ num_hidden_layers: 1.5 }, /num_hidden_layers = 1.5/);
  invalid({ num_key_value_heads: 3 }, /4 attention heads, which 3 key\/value heads do not divide/);
  invalid({ head_dim: 3 }, /head_dim = 3, which must be even/);
  const { head_dim: _, num_key_value_heads: __, rope_theta: ___, ...short } = base;
  const config = parseConfig({ ...short, rope_parameters: { rope_type: "default", rope_theta: 5000 }, eos_token_id: [2, 3] }, "config.json");
  assert.deepEqual([config.headSize, config.kvHeads, config.ropeTheta, config.eosIds], [4, 4, 5000, [2, 3]]);
});
