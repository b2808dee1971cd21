// Which weights a folder has: one set of them, all finite.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { initAdapter, rewardModelFrom } from "../model/index.ts";
import type { Checkpoint } from "../model/index.ts";
import { tinyCheckpoint, TINY, writeTinyModel } from "../tiny-model.test.support.ts";
import { readAdapter, writeAdapter } from "./adapter.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { readModel } from "./model.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { WeightType } from "./safetensors.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-weights-"));
after(() => rm(dir, { recursive: true, force: true }));

/** A new folder with a model. */
async function model(checkpoint: Checkpoint = tinyCheckpoint()): Promise<string> {
  const folder = await mkdtemp(join(dir, "model-"));
  await writeTinyModel(folder, checkpoint);
  return folder;
}

it("a weight that is NaN or infinite is refused with its tensor, in each type and part", async () => {
  const kinds: [what: string, make: () => Checkpoint, tensor: string][] = [
    ["a policy", () => tinyCheckpoint(), "model.layers.1.mlp.up_proj.weight"],
    ["a norm", () => tinyCheckpoint(), "model.norm.weight"],
    ["a reward head", () => rewardModelFrom(tinyCheckpoint(), "0000000000000001"), "score.weight"],
    ["biases", () => tinyCheckpoint({ attentionBias: true }), "model.layers.0.self_attn.k_proj.bias"],
    ["an untied head", () => tinyCheckpoint({ tiedEmbeddings: false }), "lm_head.weight"],
  ];
  for (const [what, make, tensor] of kinds)
    for (const dtype of ["F32", "F16", "BF16"] satisfies WeightType[])
      for (const bad of [NaN, Infinity, -Infinity]) {
        const checkpoint = make();
        const folder = await model(checkpoint);
        const { data } = checkpoint.weights.get(tensor)!;
        data[data.length - 1] = bad;
        await writeCheckpoint(folder, checkpoint, folder, dtype);
        await assert.rejects(
          readCheckpoint(folder),
          { code: "checkpoint_invalid", message: new RegExp(`"${tensor}" of .* holds ${bad}`) },
          `${what} ${dtype}`,
        );
      }
});

it("a NaN with any of its bits is found: quiet, signalling, with a sign", async () => {
  for (const word of [0x7fc00000, 0x7f800001, 0xffffffff, 0xff800000]) {
    const checkpoint = tinyCheckpoint();
    new Uint32Array(checkpoint.weights.get("model.norm.weight")!.data.buffer)[3] = word;
    await assert.rejects(readCheckpoint(await model(checkpoint)), /"model.norm.weight"/);
  }
  const checkpoint = tinyCheckpoint();
  checkpoint.weights.get("model.norm.weight")!.data.set([3.4e38, -3.4e38, 1e-45, -0]);
  await readCheckpoint(await model(checkpoint));
});

it("an adapter with such a weight, or with a product that is not finite, is refused", async () => {
  const folder = await model();
  const place = join(dir, "adapter");
  const adapter = initAdapter(TINY, { rank: 2, alpha: 4, targets: ["q_proj"] }, "0000000000000007");
  const name = "model.layers.1.self_attn.q_proj.lora_B.weight";
  adapter.weights.get(name)!.data[1] = NaN;
  await writeAdapter(place, adapter);
  await assert.rejects(readAdapter(place, TINY), {
    code: "checkpoint_invalid",
    message: new RegExp(`${name}" of .* holds NaN`),
  });
  for (const { data } of adapter.weights.values()) data.fill(1e30);
  await writeAdapter(place, adapter);
  const path = join(place, "adapter_config.json");
  const settings = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...settings, base_model_name_or_path: folder }));
  await assert.rejects(readModel(place), {
    code: "checkpoint_invalid",
    message: /q_proj.weight" of .* holds Infinity/,
  });
});

const INDEX = "model.safetensors.index.json";
const SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;

/** Cuts the model of a folder into two shards with an index. Its norm is `norm`, to tell the sets apart. */
async function shard(folder: string, norm: number): Promise<void> {
  const { weights } = tinyCheckpoint();
  weights.get("model.norm.weight")!.data.fill(norm);
  const all = [...weights];
  const halves = [all.slice(0, 5), all.slice(5)];
  const map: Record<string, string> = {};
  for (const [index, half] of halves.entries()) {
    await writeSafetensors(join(folder, SHARDS[index]!), half);
    for (const [name] of half) map[name] = SHARDS[index]!;
  }
  await writeFile(join(folder, INDEX), JSON.stringify({ metadata: {}, weight_map: map }));
}

const normOf = async (folder: string): Promise<number> =>
  (await readCheckpoint(folder)).weights.get("model.norm.weight")!.data[0]!;

it("a single file beside shards is refused; what transformers does not read is not read", async () => {
  // transformers 5.23 reads model.safetensors in each of these folders but the second.
  const folder = await model();
  await shard(folder, 7);
  await assert.rejects(readCheckpoint(folder), {
    code: "checkpoint_invalid",
    message: /two sets of weights: model.safetensors, and model-00001-of-00002.safetensors with model/,
  });
  await rename(join(folder, "model.safetensors"), join(dir, "kept"));
  assert.equal(await normOf(folder), 7);
  await rename(join(dir, "kept"), join(folder, "model.safetensors"));
  await rm(join(folder, INDEX));
  assert.equal(await normOf(folder), 1);
  await shard(folder, 7);
  for (const name of SHARDS) await rm(join(folder, name));
  assert.equal(await normOf(folder), 1);
  for (const name of [
    "pytorch_model.bin",
    "consolidated.safetensors",
    "model.fp16.safetensors",
    "adapter_model.safetensors",
  ])
    await writeFile(join(folder, name), "other weights");
  assert.equal(await normOf(folder), 1);
});

it("an index that names model.safetensors itself is one set", async () => {
  const folder = await model();
  const names = [...tinyCheckpoint().weights.keys()];
  const map = Object.fromEntries(names.map((name) => [name, "model.safetensors"]));
  await writeFile(join(folder, INDEX), JSON.stringify({ weight_map: map }));
  assert.equal(await normOf(folder), 1);
});

it("a tensor in two shards, a missing shard, and a tensor that no index names are refused", async () => {
  const folder = await model();
  await rm(join(folder, "model.safetensors"));
  await shard(folder, 1);
  const index = JSON.parse(await readFile(join(folder, INDEX), "utf8")) as {
    weight_map: Record<string, string>;
  };
  const rewrite = (change: Record<string, string | undefined>): Promise<void> =>
    writeFile(join(folder, INDEX), JSON.stringify({ weight_map: { ...index.weight_map, ...change } }));
  await rewrite({ "model.norm.weight": undefined });
  await assert.rejects(readCheckpoint(folder), {
    message: /holds tensor "model.norm.weight", which .* not at all/,
  });
  await rewrite({ "model.extra": SHARDS[0] });
  await assert.rejects(readCheckpoint(folder), {
    message: /lists tensor "model.extra" in .* does not hold it/,
  });
  await rewrite({ "model.norm.weight": "model-00003-of-00003.safetensors" });
  await assert.rejects(readCheckpoint(folder), { code: "checkpoint_invalid" });
  await rewrite({});
  await readCheckpoint(folder);
  const { weights } = tinyCheckpoint();
  await writeSafetensors(join(folder, SHARDS[0]), weights);
  await assert.rejects(readCheckpoint(folder), { message: /lists elsewhere or not at all/ });
  await rm(join(folder, SHARDS[0]));
  await assert.rejects(readCheckpoint(folder), { code: "artifact_missing", message: /model-00001-of-00002/ });
});

it("a folder with weights of another format only says which file that is", async () => {
  const folder = await model();
  await rename(join(folder, "model.safetensors"), join(folder, "pytorch_model.bin"));
  await assert.rejects(readCheckpoint(folder), {
    code: "artifact_missing",
    message: /neither model.safetensors nor/,
    hint: /pytorch_model.bin is not read/,
  });
});

it("an adapter has one base: not the model beside it and another, and no base with an adapter", async () => {
  const [one, other] = [await model(), await model()];
  const adapter = initAdapter(TINY, { rank: 2, alpha: 4, targets: ["q_proj"] }, "0000000000000007");
  const named = async (folder: string, name: string): Promise<void> => {
    await writeAdapter(folder, adapter);
    const path = join(folder, "adapter_config.json");
    const settings = JSON.parse(await readFile(path, "utf8")) as object;
    await writeFile(path, JSON.stringify({ ...settings, base_model_name_or_path: name }));
  };
  await named(one, other);
  await assert.rejects(readModel(one), {
    code: "checkpoint_invalid",
    message: /a model beside it, but .* names/,
  });
  await named(one, one);
  await readModel(one);
  const place = join(dir, "on-adapter");
  await named(place, one);
  await assert.rejects(readModel(place), { code: "checkpoint_invalid", message: /its base .* has one too/ });
  await named(place, other);
  await readModel(place);
});
