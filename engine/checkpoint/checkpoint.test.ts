import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import type { RatchetError } from "../../errors/index.ts";
import { rewardModelFrom } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { tinyCheckpoint, writeTinyModel } from "../tiny-model.test.support.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { formatConfig, parseConfig } from "./config.ts";

let dir = "";
before(async () => void (dir = await mkdtemp(join(tmpdir(), "ratchet-checkpoint-"))));
after(() => rm(dir, { recursive: true, force: true }));

const base = JSON.parse(formatConfig(tinyCheckpoint().config)) as Record<string, unknown>;
const coded = (code: string, message: RegExp) => (error: Error & { code?: string }) =>
  error.code === code && message.test(error.message);

it("a model folder includes the tokenizer and is read back equal", async () => {
  await writeTinyModel(dir);
  for (const checkpoint of [
    tinyCheckpoint(),
    tinyCheckpoint({ tiedEmbeddings: false }),
    rewardModelFrom(tinyCheckpoint(), "0000000000000001"),
  ]) {
    const copy = join(dir, "copy");
    await writeCheckpoint(copy, checkpoint, dir);
    assert.deepEqual((await readdir(copy)).sort(), [
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const read = await readCheckpoint(copy);
    assert.deepEqual(read.config, checkpoint.config);
    for (const [name, { data }] of checkpoint.weights) assert.deepEqual(read.weights.get(name)?.data, data);
    await rm(copy, { recursive: true });
  }
});

it("missing, additional and misshapen tensors are errors that name the tensor", async () => {
  const folder = join(dir, "wrong");
  await mkdir(folder);
  const attempt = async (
    change: (weights: ReturnType<typeof tinyCheckpoint>["weights"]) => void,
  ): Promise<unknown> => {
    const checkpoint = tinyCheckpoint();
    change(checkpoint.weights);
    await writeCheckpoint(folder, checkpoint, folder);
    return readCheckpoint(folder);
  };
  await assert.rejects(
    attempt((weights) => weights.delete("model.norm.weight")),
    coded("checkpoint_invalid", /lacks tensor "model.norm.weight"/),
  );
  await assert.rejects(
    attempt((weights) =>
      weights.set("model.layers.0.self_attn.q_proj.bias", { shape: [1], data: new Float32Array(1) }),
    ),
    coded("checkpoint_invalid", /q_proj.bias", which LlamaForCausalLM does not have/),
  );
  await assert.rejects(
    attempt((weights) => weights.set("model.norm.weight", { shape: [2], data: new Float32Array(2) })),
    coded("checkpoint_invalid", /shape \[2\], and config.json needs \[16\]/),
  );
  await writeFile(join(folder, "config.json"), "{");
  await assert.rejects(readCheckpoint(folder), coded("checkpoint_invalid", /config.json is not JSON/));
  const whole = await readFile(join(dir, "model.safetensors"));
  await writeTinyModel(folder);
  await writeFile(join(folder, "model.safetensors"), whole.subarray(0, whole.length - 100));
  await assert.rejects(
    readCheckpoint(folder),
    coded("checkpoint_invalid", /model.safetensors is not a valid safetensors file/),
  );
});

it("settings that change the computation are refused by name, with a hint at supported values", () => {
  const refuse = (change: Record<string, unknown>, message: RegExp): void =>
    assert.throws(
      () => parseConfig({ ...base, ...change }, "config.json"),
      coded("architecture_unsupported", message),
    );
  refuse(
    { architectures: ["MixtralForCausalLM"], model_type: "mixtral", num_local_experts: 8 },
    /architecture MixtralForCausalLM/,
  );
  refuse({ architectures: ["Qwen3MoeForCausalLM"] }, /architecture Qwen3MoeForCausalLM/);
  refuse({ architectures: undefined }, /architecture none/);
  refuse({ model_type: "mistral" }, /model_type mistral with architecture LlamaForCausalLM/);
  refuse(
    { architectures: ["MistralForCausalLM"], model_type: "mistral", sliding_window: 32 },
    /sliding_window = 32/,
  );
  refuse(
    { architectures: ["MistralForCausalLM"], model_type: "mistral", max_position_embeddings: 8192 },
    /sliding_window = 4096/,
  );
  refuse(
    {
      architectures: ["Qwen2ForCausalLM"],
      model_type: "qwen2",
      use_sliding_window: true,
      sliding_window: 32,
    },
    /use_sliding_window = true/,
  );
  refuse(
    {
      architectures: ["Qwen3ForCausalLM"],
      model_type: "qwen3",
      layer_types: ["full_attention", "sliding_attention"],
    },
    /layer_types with "sliding_attention"/,
  );
  refuse({ architectures: ["Qwen2ForCausalLM"], model_type: "qwen2", mlp_bias: true }, /mlp_bias = true/);
  refuse({ hidden_act: "gelu" }, /hidden_act = "gelu"/);
  refuse({ attention_dropout: 0.1 }, /attention_dropout = 0.1/);
  refuse({ partial_rotary_factor: 0.5 }, /partial_rotary_factor = 0.5/);
  refuse({ quantization_config: { bits: 4 } }, /quantization_config = {"bits":4}/);
  refuse({ rope_scaling: { type: "dynamic", factor: 8 } }, /rotary scaling of type "dynamic"/);
  refuse({ rope_parameters: { rope_type: "yarn", rope_theta: 1e4 } }, /rotary scaling of type "yarn"/);
  refuse(
    { rope_parameters: { rope_type: "default", partial_rotary_factor: 0.5 } },
    /partial_rotary_factor = 0.5/,
  );
  refuse(
    { rope_parameters: { full_attention: { rope_type: "default" } } },
    /rope_parameters of several kinds of layers/,
  );
  refuse({ architectures: ["LlamaForSequenceClassification"] }, /classifier with 2 labels/);
  assert.throws(
    () => parseConfig({ ...base, architectures: ["GPT2LMHeadModel"] }, "config.json"),
    (error: RatchetError) => /LlamaForCausalLM.*Qwen3ForSequenceClassification/.test(error.hint ?? ""),
  );
});

it("a sliding window that is not in use, or not shorter than the context, is accepted", () => {
  const accept = (change: Record<string, unknown>): void =>
    void parseConfig({ ...base, ...change }, "config.json");
  accept({ architectures: ["MistralForCausalLM"], model_type: "mistral", sliding_window: null });
  accept({ architectures: ["MistralForCausalLM"], model_type: "mistral", sliding_window: 64 });
  accept({
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    use_sliding_window: false,
    sliding_window: 32,
    layer_types: ["full_attention", "full_attention"],
  });
});

const variants: Record<string, Partial<ModelConfig>> = {
  "Llama with all biases": { attentionBias: true, mlpBias: true },
  "Llama with llama3 rope": {
    ropeScaling: {
      type: "llama3",
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalPositions: 32,
    },
  },
  "Qwen2 with linear rope": {
    architecture: "Qwen2ForCausalLM",
    ropeScaling: { type: "linear", factor: 2.5 },
  },
  "Qwen3 with biases": { architecture: "Qwen3ForCausalLM", attentionBias: true, headSize: 6 },
  "Qwen3 reward model": { architecture: "Qwen3ForSequenceClassification" },
  Mistral: { architecture: "MistralForCausalLM", tiedEmbeddings: false },
};
for (const [name, change] of Object.entries(variants)) {
  it(`the configuration and the weights of ${name} are read back equal`, async () => {
    const folder = join(dir, "variant");
    const checkpoint = tinyCheckpoint(change);
    await writeCheckpoint(folder, checkpoint, dir);
    const { config, weights } = await readCheckpoint(folder);
    assert.deepEqual(config, checkpoint.config);
    assert.deepEqual([...weights.keys()].sort(), [...checkpoint.weights.keys()].sort());
    await rm(folder, { recursive: true });
  });
}

it("rotary settings are equal under the keys of transformers 4 and 5", () => {
  const scaling = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
  };
  const { rope_theta: _, ...without } = base;
  const old = parseConfig({ ...without, rope_theta: 5e5, rope_scaling: scaling }, "config.json");
  const now = parseConfig({ ...without, rope_parameters: { ...scaling, rope_theta: 5e5 } }, "config.json");
  assert.deepEqual(now, old);
  assert.deepEqual([now.ropeTheta, now.ropeScaling?.type], [5e5, "llama3"]);
  assert.equal(
    parseConfig({ ...without, rope_scaling: { type: "linear", factor: 4 } }, "config.json").ropeScaling
      ?.factor,
    4,
  );
});

it("a head that is tied to the embedding must equal it", async () => {
  const folder = join(dir, "tied");
  const checkpoint = tinyCheckpoint();
  const embedding = checkpoint.weights.get("model.embed_tokens.weight")!;
  checkpoint.weights.set("lm_head.weight", { ...embedding, data: embedding.data.slice() });
  await writeCheckpoint(folder, checkpoint, dir);
  assert.ok(!(await readCheckpoint(folder)).weights.has("lm_head.weight"));
  checkpoint.weights.get("lm_head.weight")!.data[5]! += 1;
  await writeCheckpoint(folder, checkpoint, dir);
  await assert.rejects(
    readCheckpoint(folder),
    coded("checkpoint_invalid", /lm_head.weight that differs from the embedding/),
  );
});

it("a checkpoint in 16 bits is read back as the nearest numbers; config.json names the type", async () => {
  const folder = join(dir, "half");
  const checkpoint = tinyCheckpoint();
  for (const [dtype, torch, step] of [
    ["F16", "float16", 2 ** -11],
    ["BF16", "bfloat16", 2 ** -8],
  ] as const) {
    await writeCheckpoint(folder, checkpoint, dir, dtype);
    assert.equal(
      (JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as { torch_dtype: string })
        .torch_dtype,
      torch,
    );
    const { weights } = await readCheckpoint(folder);
    for (const [name, { data }] of checkpoint.weights)
      data.forEach((value, i) =>
        assert.ok(Math.abs(weights.get(name)!.data[i]! - value) <= Math.abs(value) * step, `${name}[${i}]`),
      );
  }
});

it("invalid sizes are refused, and absent settings have transformers' defaults", () => {
  const invalid = (change: Record<string, unknown>, message: RegExp): void =>
    assert.throws(
      () => parseConfig({ ...base, ...change }, "config.json"),
      coded("checkpoint_invalid", message),
    );
  invalid({ hidden_size: undefined }, /hidden_size = undefined/);
  invalid({ num_hidden_layers: 1.5 }, /num_hidden_layers = 1.5/);
  invalid({ num_key_value_heads: 3 }, /4 attention heads, which 3 key\/value heads do not divide/);
  invalid({ head_dim: 3 }, /head_dim = 3, which must be even/);
  const { head_dim: _, num_key_value_heads: __, rope_theta: ___, ...short } = base;
  const config = parseConfig(
    { ...short, rope_parameters: { rope_type: "default", rope_theta: 5000 }, eos_token_id: [2, 3] },
    "config.json",
  );
  assert.deepEqual([config.headSize, config.kvHeads, config.ropeTheta, config.eosIds], [4, 4, 5000, [2, 3]]);
});
