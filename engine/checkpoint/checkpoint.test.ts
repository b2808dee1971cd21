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

it("settings of published models that change no number are accepted", () => {
  // Seen in the config.json of Llama 1 to 3.2, TinyLlama, SmolLM2, Mistral 7B and Nemo, Qwen2.5, Qwen3, and
  // of models saved by TRL, Unsloth and LLaMA-Factory.
  const accept = (change: Record<string, unknown>): void =>
    void parseConfig({ ...base, ...change }, "config.json");
  accept({ _name_or_path: "x/y", transformers_version: "4.46.3", use_cache: false, initializer_range: 0.02 });
  accept({ max_sequence_length: 2048, pretraining_tp: 1, rope_scaling: null, attention_dropout: 0 });
  accept({ is_llama_config: true, rope_interleaved: false, "transformers.js_config": { dtype: "q4" } });
  accept({ unsloth_version: "2025.12.5", unsloth_fixed: true, _attn_implementation_autoset: true });
  accept({ _attn_implementation: "flash_attention_2", torch_dtype: undefined, dtype: "bfloat16" });
  accept({ temperature: 0.6, top_p: 0.9, do_sample: true, repetition_penalty: 1.05, max_length: 4096 });
  accept({ use_mrope: false, tokenizer_class: "Qwen2Tokenizer", quantization_config: null });
  accept({ output_hidden_states: false, return_dict: true, pruned_heads: {}, is_decoder: false });
  accept({ rope_theta: undefined, rope_parameters: { rope_theta: 1e9, rope_type: "default" } });
  accept({
    rope_scaling: {
      factor: 32,
      high_freq_factor: 4,
      low_freq_factor: 1,
      original_max_position_embeddings: 8192,
      rope_type: "llama3",
    },
  });
  accept({
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    max_window_layers: 28,
    use_sliding_window: false,
    sliding_window: null,
    layer_types: ["full_attention", "full_attention"],
  });
});

it("settings that the engine does not know are refused by name, and so are contradictions", () => {
  const refuse = (change: Record<string, unknown>, code: string, message: RegExp): void =>
    assert.throws(() => parseConfig({ ...base, ...change }, "config.json"), coded(code, message));
  const unknown: Record<string, unknown> = {
    logit_scale: 0.0625,
    embedding_multiplier: 12,
    residual_multiplier: 0.22,
    attention_multiplier: 0.01,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
    query_pre_attn_scalar: 256,
    attention_chunk_size: 8192,
    no_rope_layers: [1, 0],
    per_layer_config: { 0: { rms_norm_eps: 1 } },
    auto_map: { AutoModelForCausalLM: "modeling_x.X" },
    transformers_weights: "other.safetensors",
    is_causal: false,
    use_bidirectional_attention: true,
    num_local_experts: 8,
    custom: "x",
  };
  for (const [key, value] of Object.entries(unknown))
    refuse({ [key]: value }, "architecture_unsupported", new RegExp(`config.json has ${key} = `));
  const llama3 = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
  };
  const contradictions: [Record<string, unknown>, RegExp][] = [
    [{ rope_theta: 1e4, rope_parameters: { rope_theta: 5e5 } }, /rope_theta = 10000 and rope_parameters/],
    [
      { rope_scaling: { type: "linear", factor: 4 }, rope_parameters: { rope_theta: 1e4 } },
      /rope_scaling = .* and/,
    ],
    [
      { rope_scaling: llama3, original_max_position_embeddings: 16 },
      /original_max_position_embeddings = 16 and/,
    ],
  ];
  for (const [change, message] of contradictions) refuse(change, "checkpoint_invalid", message);
  refuse(
    { rope_scaling: { type: "linear", rope_type: "default", factor: 4 } },
    "architecture_unsupported",
    /rope_type "default" and type "linear"/,
  );
  refuse(
    { rope_scaling: { factor: 8 } },
    "architecture_unsupported",
    /factor = 8, which rope type default does not/,
  );
  refuse({ eos_token_id: [2, 1e12] }, "checkpoint_invalid", /eos_token_id = .* it has 12 embeddings/);
  refuse(
    { max_position_embeddings: 1e9 },
    "checkpoint_invalid",
    /max_position_embeddings = 1000000000, more than/,
  );
});

it("sizes that the tensors do not have are refused with both numbers", async () => {
  const folder = join(dir, "sizes");
  await mkdir(folder);
  await writeCheckpoint(folder, tinyCheckpoint(), folder);
  const changes: [string, number, RegExp][] = [
    ["num_hidden_layers", 1e9, /tensors of 2 layers, and config.json has num_hidden_layers = 1000000000/],
    [
      "vocab_size",
      1e12,
      /embed_tokens.weight" of .* has shape \[12, 16\], and .* needs \[1000000000000, 16\]/,
    ],
    ["intermediate_size", 1e15, /gate_proj.weight" of .* needs \[1000000000000000, 16\]/],
    ["head_dim", 2 ** 40, /q_proj.weight" of .* needs/],
  ];
  for (const [key, value, message] of changes) {
    await writeFile(join(folder, "config.json"), JSON.stringify({ ...base, [key]: value }));
    await assert.rejects(readCheckpoint(folder), coded("checkpoint_invalid", message));
  }
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
