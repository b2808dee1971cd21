import assert from "node:assert/strict";
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { RatchetError } from "../errors/index.ts";
import { resolveSpec } from "../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../campaign/spec/schema.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { Tree } from "../campaign/types.ts";
import { initAdapter, mergeAdapter, readCheckpoint, writeAdapter, writeCheckpoint } from "../engine/index.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { compileSpec } from "./index.ts";
import { stageModel, stagePolicy } from "./policy.ts";
import { settings } from "./settings.ts";
import type { CompileOptions } from "./index.ts";

const scratch = await mkdtemp(join(tmpdir(), "ratchet-compile-test-"));
after(() => rm(scratch, { recursive: true, force: true }));

// ---------------------------------------------------------------- a store, and a campaign's folder

const memory = () => openStore("memory:");

async function* blobsOf({ backend }: Store): AsyncGenerator<Buffer> {
  for await (const key of backend.list("blobs/")) yield Buffer.from((await backend.get(key))!);
}

const textOf = async (store: Store, digest: string): Promise<string> =>
  Buffer.from(await store.getBlob(digest)).toString();

const words = [
  "<pad>",
  "<bos>",
  "<eos>",
  "say",
  "word",
  "yes",
  "no",
  ...Array.from({ length: 60 }, (_, i) => `w${i}`),
];
const tokenizer = {
  version: "1.0",
  added_tokens: words.slice(0, 3).map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<bos>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
    special_tokens: { "<bos>": { id: "<bos>", ids: [1], tokens: ["<bos>"] } },
  },
  decoder: null,
  model: {
    type: "WordLevel",
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    unk_token: "<pad>",
  },
};
const tokenizerConfig = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<bos>",
  eos_token: "<eos>",
  pad_token: "<pad>",
  add_bos_token: true,
  model_max_length: 32,
};

const lines = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const promptRows = Array.from({ length: 40 }, (_, i) => ({ prompt: `say word w${i}` }));
const REWARD =
  "import { taste } from './taste.ts';\n" +
  "const reward = (rows: { answer: { text: string } }[]): number[] =>\n" +
  "  rows.map(({ answer }) => taste(answer.text));\n" +
  "export default reward;\n";

let folders = 0;
/** A campaign's folder with a tokenizer, 40 prompts and a reward module; `files` are written over it. */
async function campaignFolder(files: Record<string, string> = {}, under = ""): Promise<string> {
  const dir = join(scratch, under, `c${folders++}`);
  const all: Record<string, string> = {
    "tok/tokenizer.json": JSON.stringify(tokenizer),
    "tok/tokenizer_config.json": JSON.stringify(tokenizerConfig),
    "prompts.jsonl": lines(promptRows),
    "reward.ts": REWARD,
    "taste.ts": "export const taste = (text: string): number => text.length;\n",
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

const base: WrittenSpec = {
  name: "tiny",
  seed: 7,
  policy: {
    init: {
      tokenizer: "tok",
      model: { hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 16, contextLength: 32 },
    },
  },
  prompts: { file: "prompts.jsonl", perIteration: 8, validation: 5, test: 6 },
  iterations: 3,
  generate: { maxTokens: 10 },
  score: { reward: { module: "reward.ts" } },
};

/** With the compiled spec as the store has it. */
async function compile(
  baseDir: string,
  change: Partial<WrittenSpec> = {},
  { store, ...options }: Partial<CompileOptions> & { store?: Store } = {},
) {
  store ??= await memory();
  const { specDigest, summary } = await compileSpec(resolveSpec({ ...base, ...change }), {
    baseDir,
    store,
    ...options,
  });
  return { compiled: await store.getJson<CompiledSpec>(specDigest), specDigest, summary };
}

let compiledPlain: ReturnType<typeof compile> | undefined;
const plainStore = await memory();
/** The campaign without a change, in `plainStore`. */
const plain = (): ReturnType<typeof compile> =>
  (compiledPlain ??= campaignFolder().then((dir) => compile(dir, {}, { store: plainStore })));

async function refused(
  files: Record<string, string>,
  change: Partial<WrittenSpec> = {},
): Promise<Error & { code: string; kind: string; hint?: string }> {
  const dir = await campaignFolder(files);
  try {
    await compile(dir, change);
  } catch (error) {
    return error as RatchetError;
  }
  throw new assert.AssertionError({ message: "the spec was compiled" });
}

// ---------------------------------------------------------------- compiled specs

it("a campaign compiles to digests only, the same in any folder", async () => {
  const there = await campaignFolder({}, "some/where/else");
  const [first, second] = [await plain(), await compile(there)];
  assert.equal(first.specDigest, second.specDigest);
  const text = JSON.stringify(first.compiled);
  assert.ok(!text.includes(scratch) && !text.includes("prompts.jsonl") && !text.includes("reward.ts"));
  let blobs = 0;
  for await (const bytes of blobsOf(plainStore)) {
    blobs += 1;
    assert.ok(!bytes.includes(scratch), "no blob holds a path");
  }
  assert.ok(blobs > 8, `${blobs} blobs seen`);
  assert.deepEqual(first.summary.prompts.iterations, { count: 24, longest: 4 });
});

it("settings without effect are left out of the compiled spec", async () => {
  const { compiled } = await plain();
  assert.deepEqual(Object.keys(compiled.train).sort(), ["beta", "loss", "optimizer", "reference"]);
  assert.equal(compiled.train.loss, "sigmoid");
  const changed = await compile(await campaignFolder(), { train: { loss: "robust", ldAlpha: 0.5 } });
  assert.deepEqual(
    [changed.compiled.train.loss, changed.compiled.train.ldAlpha],
    [{ type: "robust", labelSmoothing: 0.1 }, 0.5],
  );
});

it("the raw win rate and confidence 0 are left out of the compiled spec", async () => {
  const { compiled } = await compile(await campaignFolder());
  assert.deepEqual(compiled.promote, { threshold: 0.5, by: "length-controlled", confidence: 0.96 });
  const earlier = await compile(await campaignFolder(), { promote: { by: "raw", confidence: 0 } });
  assert.equal(JSON.stringify(earlier.compiled.promote), '{"threshold":0.5}');
});

it("microBatch is half of the batch for a small model, or the spec's value", async () => {
  const dir = await campaignFolder();
  const train = { batch: 6 };
  assert.equal((await compile(dir, { train })).compiled.train.optimizer.microBatch, 3);
  const { config } = await stagePolicy(resolveSpec(base), dir, join(dir, "model"));
  const microBatch = (written: WrittenSpec["train"]): number =>
    settings(resolveSpec({ ...base, train: written }), config).train.optimizer.microBatch;
  assert.equal(microBatch({ batch: 6, microBatch: 2 }), 2);
  assert.equal(microBatch({ batch: 6, microBatch: 20 }), 6);
  const part = microBatch({ batch: 100_000 });
  assert.ok(part > 6 && part < 100_000, `${part} of a batch that memory has no room for`);
  assert.equal(microBatch({ batch: 100_000, loss: "kto" }), 100_000);
});

it("another seed gives other weights and splits; another comment in a module changes nothing", async () => {
  const dir = await campaignFolder();
  const [first, second] = [await plain(), await compile(dir, {}, { seed: 8 })];
  assert.notEqual(first.compiled.policy.tree, second.compiled.policy.tree);
  assert.notEqual(first.compiled.prompts.iterations.rows, second.compiled.prompts.iterations.rows);
  await writeFile(join(dir, "reward.ts"), `// a remark\n${REWARD}`);
  assert.deepEqual((await compile(dir)).compiled.modules, first.compiled.modules);
  await writeFile(join(dir, "taste.ts"), "export const taste = (text: string): number => -text.length;\n");
  assert.notDeepEqual((await compile(dir)).compiled.modules, first.compiled.modules);
});

it("splits of a file share no prompt; more iterations leave validation and test unchanged", async () => {
  const { compiled } = await plain();
  const { iterations, validation, test: tested } = compiled.prompts;
  const ids = (
    await Promise.all([iterations, validation, tested].map(({ rows }) => textOf(plainStore, rows)))
  ).flatMap((text) => text.trim().split("\n"));
  assert.equal(new Set(ids).size, 24 + 5 + 6);
  assert.match(ids[0]!, /^\{"id":"[0-9a-f]{16}","prompt":"say word w\d+"\}$/);
  const shorter = await compile(await campaignFolder(), { iterations: 2 });
  assert.equal(shorter.compiled.prompts.test.rows, compiled.prompts.test.rows);
  assert.equal(shorter.compiled.prompts.validation.rows, compiled.prompts.validation.rows);
});

it("the order of the prompt file does not matter", async () => {
  const reversed = await compile(await campaignFolder({ "prompts.jsonl": lines([...promptRows].reverse()) }));
  assert.equal(reversed.specDigest, (await plain()).specDigest);
});

it("bundles of packages and CommonJS do not depend on the path", async () => {
  const files = {
    "node_modules/loud/package.json": '{"name":"loud","main":"index.js"}',
    "node_modules/loud/index.js":
      "const path = require('node:path');" +
      "module.exports = { shout: (text) => text.toUpperCase().length + path.sep.length };",
    "taste.ts":
      "import { shout } from 'loud';\nexport const taste = (text: string): number => shout(text);\n",
  };
  const near = await compile(await campaignFolder(files));
  const far = await campaignFolder({ ...files, "node_modules/loud/index.js": "" }, "a/b");
  await rm(join(far, "node_modules"), { recursive: true });
  await cp(join(scratch, `c${folders - 2}`, "node_modules"), join(scratch, "a", "node_modules"), {
    recursive: true,
  });
  assert.deepEqual((await compile(far)).compiled.modules, near.compiled.modules);
});

it("modules give prompts and SFT rows; overlaps are counted", async () => {
  const prompts = `
    const from = { online: 0, validation: 24, test: 29, bootstrap: 35 };
    const number = (split, i) => from[split] + i % 3 + (split === "bootstrap" ? 0 : i - i % 3);
export default ({ split, count }) =>
  Array.from({ length: count }, (_, i) => ({ id: split + i, prompt: "say word w" + number(split, i) }));`;
  const dir = await campaignFolder({
    "prompts.ts": prompts,
    "sft.ts":
      "export default ({ count }: { count: number }) =>" +
      "  Array.from({ length: count }, (_, i) =>" +
      "    ({ prompt: 'say word w' + (36 + i % 4), completion: ' yes' }));",
    "labelers.ts": "export default (rows) => rows.map(() => 1);",
  });
  const store = await memory();
  const { compiled, summary } = await compile(
    dir,
    {
      prompts: { module: "prompts.ts", perIteration: 8, validation: 5, test: 6, bootstrap: 9 },
      bootstrap: {
        sft: { data: { module: "sft.ts", count: 12 } },
        labels: {
          comparisons: 9,
          sample: { maxTokens: 5 },
          labelers: { module: "labelers.ts", timeout: "5s" },
        },
        reward: {},
      },
      score: { reward: "model" },
    },
    { store },
  );
  assert.equal(compiled.prompts.bootstrap?.count, 9);
  assert.equal(compiled.bootstrap.sft?.data.count, 12);
  assert.deepEqual(
    compiled.bootstrap.sft?.optimizer.maxLength,
    32,
    "the model's context where the spec gives none",
  );
  assert.equal(summary.overlaps["bootstrap/sft"], 6);
  assert.equal(summary.overlaps["iterations/test"], 0);
  assert.equal(compiled.modules.bootstrapLabelers?.timeoutMs, 5000);
  assert.deepEqual(
    Object.keys(compiled.modules),
    ["bootstrapLabelers"],
    "prompts and SFT modules leave rows, no blob",
  );
});

it("SFT rows of plain text have no known prompt and are counted as unchecked for overlaps", async () => {
  const dir = await campaignFolder({
    "sft.jsonl": lines([
      { text: "say word w1 yes" },
      { text: "say word w2 yes" },
      { prompt: "say word no", completion: " yes" },
    ]),
  });
  const sft = { data: { file: "sft.jsonl" }, promptMask: false };
  const { summary } = await compile(dir, { bootstrap: { sft } });
  assert.deepEqual([summary.sftRows, summary.sftUnchecked], [3, 2]);
});

it("a preference file is filtered; the summary counts dropped rows", async () => {
  const rows = [
    { prompt: "say word no", chosen: " yes", rejected: " no" },
    { prompt: "say word no", chosen: " yes", rejected: " yes" },
    { prompt: "say word yes", chosen: " yes", rejected: " no", chosen_score: 1, rejected_score: 2 },
  ];
  const dir = await campaignFolder({ "pairs.jsonl": lines(rows) });
  const { compiled, summary } = await compile(dir, {
    bootstrap: { preferences: { file: "pairs.jsonl" }, reward: {} },
    score: { reward: "model" },
  });
  assert.deepEqual([summary.preferences?.rows, summary.preferences?.kept], [3, 1]);
  const preferences = compiled.bootstrap.preferences as { dropped: Record<string, number> };
  assert.deepEqual(
    [preferences.dropped["identical_answers"], preferences.dropped["label_contradicts_scores"]],
    [1, 1],
  );
});

it("a preference model is trained or given; a given one has a tree of its own", async () => {
  const score = {
    reward: "preference-model" as const,
    preferenceModel: {
      template: "{context} word {a} word {b} word",
      letters: [" yes", " no"] as [string, string],
    },
  };
  const dir = await campaignFolder({
    "pairs.jsonl": lines([{ prompt: "say word no", chosen: "yes", rejected: "no" }]),
  });
  const trained = await compile(dir, {
    bootstrap: { preferences: { file: "pairs.jsonl" }, preferenceModel: { batch: 4 } },
    score,
  });
  assert.deepEqual(trained.compiled.score, {
    by: "preference-model",
    format: score.preferenceModel,
  });
  assert.equal(trained.compiled.bootstrap.preferenceModel?.optimizer.batch, 4);

  const { compiled } = await plain();
  await plainStore.getTree(compiled.policy.tree, join(dir, "model"));
  const given = (
    await compile(dir, {
      seed: 8,
      score: { ...score, preferenceModel: { ...score.preferenceModel, path: "model" } },
    })
  ).compiled;
  assert.ok(given.score.by === "preference-model" && given.score.model === compiled.policy.tree);
  assert.notEqual(given.policy.tree, compiled.policy.tree);
});

/** An adapter in `dir`/`name` on the model in `dir`/base, and the merged model in `dir`/merged. */
async function withAdapter(dir: string, name: string): Promise<void> {
  const base = await readCheckpoint(join(dir, "base"));
  const adapter = initAdapter(base.config, { rank: 2, alpha: 8, targets: ["v_proj"] }, "0000000000000005");
  for (const { data } of adapter.weights.values()) data.fill(0.2);
  await writeAdapter(join(dir, name), adapter);
  const config = join(dir, name, "adapter_config.json");
  await writeFile(
    config,
    (await readFile(config, "utf8")).replace(
      '"base_model_name_or_path": null',
      '"base_model_name_or_path": "../base"',
    ),
  );
  await writeCheckpoint(join(dir, "merged"), mergeAdapter(base, adapter), join(dir, "base"));
}

/** Hugging Face's cache: each file of the snapshot is a link to ../../blobs. */
async function asHubCache(from: string, to: string): Promise<string> {
  const snapshot = join(to, "snapshots", "main");
  await mkdir(snapshot, { recursive: true });
  await mkdir(join(to, "blobs"));
  for (const [n, name] of (await readdir(from)).entries()) {
    await cp(join(from, name), join(to, "blobs", `${n}`));
    await symlink(`../../blobs/${n}`, join(snapshot, name));
  }
  return snapshot;
}

it("a checkpoint in Hugging Face's cache is read through its links; a lost one is named", async () => {
  const dir = await campaignFolder();
  const store = plainStore;
  const made = (await plain()).compiled.policy.tree;
  await plainStore.getTree(made, join(dir, "plain"));
  // On the file system of the temp folder, where weights are linked, not copied.
  const snapshot = await asHubCache(join(dir, "plain"), join(dir, "models--org--name"));
  const linked = await compile(dir, { policy: { path: snapshot } }, { store });
  assert.equal(linked.compiled.policy.tree, made);
  const weights = join(snapshot, "model.safetensors");
  await rm(weights);
  for (const lost of [
    () => symlink("../../blobs/gone", weights),
    () => symlink("model.safetensors", weights),
    () => mkdir(weights),
  ]) {
    await lost();
    await assert.rejects(compile(dir, { policy: { path: snapshot } }, { store }), {
      code: "file_unreadable",
      message: new RegExp(`^${weights} cannot be read`),
    });
    await rm(weights, { recursive: true });
  }
  await writeFile(weights, "no weights");
  await assert.rejects(compile(dir, { policy: { path: snapshot } }, { store }), (error: Error) => {
    assert.doesNotMatch(error.message, /ratchet-compile-[A-Za-z0-9]{6}\//, "not the staged copy");
    return error.message.includes(snapshot);
  });
});

it("a given adapter is merged into its base; an adapter inside a model's folder is ignored", async () => {
  const dir = await campaignFolder();
  const store = plainStore;
  await store.getTree((await plain()).compiled.policy.tree, join(dir, "base"));
  await writeFile(join(dir, "base", "generation_config.json"), JSON.stringify({ eos_token_id: [2, 5] }));
  await withAdapter(dir, "tuned");
  let staged = 0;
  const treeOf = async (path: string): Promise<string> =>
    store.putTree(
      (await stageModel({ name: path, folder: join(dir, path) }, join(dir, `staged-${staged++}`))).dir,
    );
  const { tree } = (await compile(dir, { policy: { path: "tuned" } }, { store })).compiled.policy;
  assert.equal(tree, await treeOf("tuned"));
  assert.equal(tree, await treeOf("merged"));
  assert.notEqual(tree, await treeOf("base"));
  const paths = (await store.getJson<Tree>(tree)).files.map(({ path }) => path);
  assert.deepEqual(paths, [
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  await writeFile(join(dir, "tuned", "tokenizer.json"), JSON.stringify(tokenizer, null, 1));
  await writeFile(join(dir, "tuned", "tokenizer_config.json"), JSON.stringify(tokenizerConfig));
  const own = (await store.getJson<Tree>(await treeOf("tuned"))).files.map(({ path }) => path);
  assert.deepEqual(own, paths, "its own tokenizer, and still the base's ends");
  assert.notEqual(await treeOf("tuned"), await treeOf("merged"));

  const whole = await treeOf("base");
  await cp(join(dir, "tuned"), join(dir, "base", "adapter"), { recursive: true });
  assert.equal(await treeOf("base"), whole);
});

it("a compiled spec and its blobs contain names of secrets, never values", async () => {
  const prompts =
    "const from = { online: 0, validation: 24, test: 29 };" +
    "export default ({ split, count }) => {" +
    "  if (process.env.TOKEN !== 'hush') throw new Error('no token');" +
    "  const row = (_, i) => ({ id: split + i, prompt: 'say word w' + (i + from[split]) });" +
    "  return Array.from({ length: count }, row);" +
    "};";
  const dir = await campaignFolder({ "prompts.ts": prompts });
  const store = await memory();
  const change: Partial<WrittenSpec> = {
    prompts: { module: "prompts.ts", env: { TOKEN: "env:SECRET" }, perIteration: 8, validation: 5, test: 6 },
    score: { reward: { module: "reward.ts", env: { KEY: "env:SECRET" } } },
  };
  const { compiled } = await compile(dir, change, { store, environment: { SECRET: "hush" } });
  assert.deepEqual(compiled.modules.reward?.env, { KEY: "env:SECRET" });
  for await (const bytes of blobsOf(store)) assert.ok(!bytes.includes("hush"));
  await assert.rejects(compile(dir, change), { code: "module_env_missing", message: /SECRET/ });
});

// ---------------------------------------------------------------- refusals

const prompt = (text: string, more: object = {}) => ({ prompt: text, ...more });
const refusals: [string, Record<string, string>, Partial<WrittenSpec>, string, RegExp][] = [
  [
    "a missing prompt file",
    {},
    { prompts: { file: "nowhere.jsonl" } },
    "file_missing",
    /nowhere\.jsonl cannot be read/,
  ],
  ["an empty prompt file", { "prompts.jsonl": "\n\n" }, {}, "file_empty", /has no rows/],
  [
    "a line that is not JSON",
    { "prompts.jsonl": '{"prompt":"say"}\n{"prompt"' },
    {},
    "row_invalid",
    /prompts\.jsonl:2 is not JSON/,
  ],
  [
    "an empty prompt",
    { "prompts.jsonl": lines([prompt("say"), prompt("  ")]) },
    {},
    "prompt_invalid",
    /prompts\.jsonl:2: prompt is " {2}", but must be a text that is not blank/,
  ],
  [
    "too few prompts",
    { "prompts.jsonl": lines(promptRows.slice(0, 10)) },
    {},
    "prompts_too_few",
    /has 10 prompts, but the campaign needs 35 \(test 6, validation 5, iterations 24\)/,
  ],
  [
    "an id given twice",
    { "prompts.jsonl": lines([prompt("say", { id: "a" }), prompt("word", { id: "a" })]) },
    {},
    "duplicate_prompt_id",
    /id a in line 1 and line 2/,
  ],
  [
    "a prompt given twice without ids",
    { "prompts.jsonl": lines([prompt("say"), prompt("word"), prompt("say ")]) },
    {},
    "duplicate_prompt_id",
    /line 1 and line 3/,
  ],
  [
    "a prompt given twice under two ids",
    { "prompts.jsonl": lines([prompt("say", { id: "a" }), prompt("say", { id: "b" })]) },
    {},
    "duplicate_prompt",
    /has the same prompt in line 1 and line 2/,
  ],
  [
    "a stop id that the model does not have",
    {},
    { generate: { maxTokens: 10, stop: ["yes", 5, 67] } },
    "spec_conflict",
    /generate.stop names token id 67, but the model has 67 embeddings/,
  ],
  [
    "a prompt longer than the context",
    { "prompts.jsonl": lines([...promptRows, prompt("say ".repeat(25))]) },
    { prompts: { file: "prompts.jsonl", perIteration: 10, validation: 5, test: 6 } },
    "prompt_too_long",
    /has 26 tokens; with an answer of up to 10 tokens it does not fit the model's context of 32/,
  ],
  [
    "answers longer than training rows",
    {},
    { train: { maxLength: 12 } },
    "spec_conflict",
    /train\.maxLength is 12, but prompts with answers have up to 14 tokens/,
  ],
  [
    "a length beyond the context",
    {},
    { train: { maxLength: 64 } },
    "spec_conflict",
    /train\.maxLength is 64, but the model's context is 32/,
  ],
  [
    "comparisons longer than the preference model's context",
    { "pairs.jsonl": lines([prompt("say no", { chosen: "yes", rejected: "no" })]) },
    {
      generate: { maxTokens: 14 },
      bootstrap: { preferences: { file: "pairs.jsonl" }, preferenceModel: {} },
      score: { reward: "preference-model", preferenceModel: { template: "{context} {a} {b} word" } },
    },
    "spec_conflict",
    /two answers of up to 14 tokens \(34 tokens\), but its context is 32/,
  ],
  [
    "a preference model that does not exist",
    {},
    { score: { reward: "preference-model", preferenceModel: { path: "gone" } } },
    "file_missing",
    /score\.preferenceModel\.path gone is not a readable folder/,
  ],
  [
    "a missing checkpoint",
    {},
    { policy: { path: "model" } },
    "file_missing",
    /policy\.path model is not a readable folder/,
  ],
  [
    "a folder without config.json",
    { "model/README.md": "hi" },
    { policy: { path: "model" } },
    "file_missing",
    /has no config\.json/,
  ],
  [
    "an adapter on a base of a hub",
    { "model/adapter_config.json": '{"peft_type":"LORA","base_model_name_or_path":"org/base"}' },
    { policy: { path: "model" } },
    "adapter_base_missing",
    /"org\/base", which is no folder here/,
  ],
  [
    "a missing tokenizer",
    {},
    { policy: { init: { ...base.policy.init!, tokenizer: "nothing" } } },
    "file_missing",
    /has no tokenizer\.json/,
  ],
  [
    "a tokenizer that cannot end an answer",
    { "tok/tokenizer_config.json": JSON.stringify({ ...tokenizerConfig, eos_token: "<end>" }) },
    {},
    "tokenizer_mismatch",
    /has no eos_token in its vocabulary/,
  ],
  [
    "a missing module",
    {},
    { score: { reward: { module: "gone.ts" } } },
    "file_missing",
    /reward module gone\.ts cannot be read/,
  ],
  [
    "a module that does not parse",
    { "reward.ts": "export default (rows =>" },
    {},
    "module_invalid",
    /cannot be bundled: .*reward\.ts:1/,
  ],
  [
    "a module that imports a missing file",
    { "reward.ts": "import x from './x.ts'; export default x;" },
    {},
    "module_invalid",
    /Could not resolve "\.\/x\.ts"/,
  ],
  [
    "a module without a default export",
    { "reward.ts": "export const reward = 1;" },
    {},
    "module_invalid",
    /has no default export/,
  ],
  [
    "a prompts module that throws",
    { "prompts.ts": "export default () => { throw new Error('no ideas'); };" },
    { prompts: { module: "prompts.ts" } },
    "module_threw",
    /no ideas/,
  ],
  [
    "SFT data that shares prompts with test",
    { "sft.jsonl": lines(promptRows.map((row) => ({ ...row, completion: "yes" }))) },
    { bootstrap: { sft: { data: { file: "sft.jsonl" } } } },
    "prompt_overlap",
    /24 prompts of iterations are also in sft, for example "say word w/,
  ],
  [
    "SFT data with an empty answer",
    { "sft.jsonl": lines([{ prompt: "say", completion: "" }]) },
    { bootstrap: { sft: { data: { file: "sft.jsonl" } } } },
    "row_invalid",
    /sft\.jsonl:1: completion is "", but must be a text that is not blank/,
  ],
  [
    "preferences of which none is usable",
    { "pairs.jsonl": lines([{ prompt: "say", chosen: "yes", rejected: "yes" }]) },
    { bootstrap: { preferences: { file: "pairs.jsonl" }, reward: {} }, score: { reward: "model" } },
    "preferences_empty",
    /none passes the filters: identical_answers 1/,
  ],
];
for (const [what, files, change, code, message] of refusals) {
  it(`${what} is refused as ${code}`, async () => {
    const error = await refused(files, change);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
  });
}

it("a module's online prompts must not be test prompts too", async () => {
  const error = await refused(
    {
      "prompts.ts":
        "export default ({ split, count }) =>" +
        "  Array.from({ length: count }, (_, i) => ({ id: split + i, prompt: 'say word w' + i }));",
    },
    { prompts: { module: "prompts.ts", perIteration: 8, validation: 5, test: 6 } },
  );
  assert.equal(error.code, "prompt_overlap");
  assert.match(error.message, /5 prompts of/);
});

const GOLD =
  "export const worth = (text) => text.length;" +
  "export default (rows) => rows.map(({ answer }) => ({ total: worth(answer.text) }));";
it("a reward module that imports the gold module or a copy is refused; a judge gets a warning", async () => {
  const evaluate = { gold: { module: "gold.ts" }, judge: { module: "judge.ts" } };
  const judge = {
    "judge.ts":
      "import { worth } from './gold.ts';" +
      "const better = ({ first, second }) => (worth(first.text) > worth(second.text) ? 1 : 0);" +
      "export default (rows) => rows.map(better);",
  };
  const through = await refused(
    { ...judge, "gold.ts": GOLD, "taste.ts": "export { worth as taste } from './gold.ts';" },
    { evaluate },
  );
  assert.equal(through.code, "gold_imported");
  const copy = await refused(
    { ...judge, "gold.ts": GOLD, "copy.ts": GOLD, "taste.ts": "export { worth as taste } from './copy.ts';" },
    { evaluate },
  );
  assert.equal(copy.code, "gold_imported");
  const { summary } = await compile(await campaignFolder({ ...judge, "gold.ts": GOLD }), { evaluate });
  assert.deepEqual(summary.warnings.slice(1), [
    "the judge module imports the gold module: simulated labelers decide what is promoted",
  ]);
});

it("a judge that also labels for training is refused, under its own name or another", async () => {
  const judge = "export default (rows) => rows.map(({ first, second }) => Number(first.text > second.text));";
  const files = { "judge.ts": judge, "copy.ts": judge, "other.ts": `${judge}\nexport const other = 1;` };
  const labels = (module: string) => ({
    labels: { perIteration: 4, labelers: { module } },
    evaluate: { judge: { module: "judge.ts" } },
  });
  const same = await refused(files, labels("judge.ts"));
  assert.equal(same.code, "judge_not_held_out");
  assert.match(
    same.message,
    /evaluate\.judge and the labelers module are the same \(judge\.ts\): a judge that/,
  );
  const copied = await refused(files, labels("./copy.ts"));
  assert.match(copied.message, /the same \(judge\.ts and \.\/copy\.ts\)/);
  const labelers = { module: "judge.ts" };
  const inBootstrap = await refused(files, {
    prompts: { file: "prompts.jsonl", perIteration: 8, bootstrap: 4 },
    bootstrap: { labels: { comparisons: 4, sample: { maxTokens: 5 }, labelers }, reward: {} },
    score: { reward: "model" },
    evaluate: { judge: { module: "judge.ts" } },
  });
  assert.match(inBootstrap.message, /the bootstrapLabelers module/);
  const { compiled } = await compile(await campaignFolder(files), labels("other.ts"));
  assert.notEqual(compiled.modules.judge?.digest, compiled.modules.labelers?.digest);
});

// ---------------------------------------------------------------- a real checkpoint

const model = fileURLToPath(new URL("../../../shared/models/baby-llama-105", import.meta.url));
const absent = await access(model).then(
  () => false,
  () => `no checkpoint at ${model}`,
);

it(
  "a real checkpoint: a README does not change the digest; a truncated weight file is refused",
  { skip: absent },
  async () => {
    const prompts = {
      "prompts.jsonl": lines(
        Array.from({ length: 40 }, (_, i) => ({ prompt: `One day, Tom had ${i} kites.` })),
      ),
    };
    const dir = await campaignFolder(prompts);
    await cp(model, join(dir, "model"), { recursive: true });
    const change: Partial<WrittenSpec> = { policy: { path: "model" } };
    const first = await compile(dir, change);
    assert.equal(first.summary.model.parameters, 936_448);
    await writeFile(join(dir, "model", "README.md"), "about it");
    assert.equal(
      (await compile(dir, { policy: { path: resolve(dir, "model") } })).specDigest,
      first.specDigest,
    );
    const weights = join(dir, "model", "model.safetensors");
    await writeFile(weights, (await readFile(weights)).subarray(0, 100_000));
    await assert.rejects(compile(dir, change), { kind: "artifact" });
  },
);

// ---------------------------------------------------------------- columns of data files

const SPEC_WITH_DATA: Partial<WrittenSpec> = {
  bootstrap: { sft: { data: { file: "sft.jsonl" } }, preferences: { file: "pairs.jsonl" }, reward: {} },
  score: { reward: "model" },
};
const DATA = {
  "prompts.jsonl": promptRows as object[],
  "sft.jsonl": [{ prompt: "yes yes", completion: "no" }] as object[],
  "pairs.jsonl": [{ prompt: "yes", chosen: "no", rejected: "yes" }] as object[],
};

/** Writes `names` to `ignore` of the section that the hint of a refusal names. */
function withIgnore(spec: Partial<WrittenSpec>, hint: string): Partial<WrittenSpec> {
  const [, section, list] = /^to leave them out, write in ([\w.]+): ignore: (\[.*\])$/.exec(hint)!;
  const changed = structuredClone({ ...base, ...spec }) as Record<string, unknown>;
  const at = section!.split(".").reduce((value, key) => value[key] as Record<string, unknown>, changed);
  at["ignore"] = parse(list!) as string[];
  return changed;
}

it("a refusal of unread columns prints the line that leaves them out; the spec records it", async () => {
  const filesOf = (data: typeof DATA) =>
    Object.fromEntries(Object.entries(data).map(([name, rows]) => [name, lines(rows)]));
  const narrow = await compile(await campaignFolder(filesOf(DATA)), SPEC_WITH_DATA);
  assert.equal("ignored" in narrow.compiled, false);
  const columns = { source: "web", "chosen-model": "m", "a, b": 1, null: 0 };
  const widened = (rows: object[]) => rows.map((row) => ({ ...row, ...columns }));
  const wider = filesOf({
    "prompts.jsonl": widened(DATA["prompts.jsonl"]),
    "sft.jsonl": widened(DATA["sft.jsonl"]),
    "pairs.jsonl": widened(DATA["pairs.jsonl"]),
  });
  let spec = SPEC_WITH_DATA;
  for (const name of ["prompts.jsonl", "sft.jsonl", "pairs.jsonl"]) {
    const error = await refused(wider, spec);
    assert.match(
      error.message,
      new RegExp(`^${name}:1: unknown column "source", "chosen-model", "a, b", "null"`),
    );
    spec = withIgnore(spec, error.hint!);
  }
  const { compiled } = await compile(await campaignFolder(wider), spec);
  const ignored = ["a, b", "chosen-model", "null", "source"];
  assert.deepEqual(compiled.ignored, { prompts: ignored, sft: ignored, preferences: ignored });
  assert.deepEqual({ ...compiled, ignored: undefined }, { ...narrow.compiled, ignored: undefined });
});

it("a module's rows may have no unread columns either, unless they are left out", async () => {
  const files = {
    "prompts.ts":
      "export default ({ split, count }) => Array.from({ length: count }, (_, i) =>" +
      "  ({ id: split + i, topic: 1," +
      "     prompt: 'say word w' + ({ online: 0, validation: 24, test: 29 }[split] + i) }));",
  };
  const spec = { prompts: { module: "prompts.ts", perIteration: 8, validation: 5, test: 6 } };
  const error = await refused(files, spec);
  assert.deepEqual(
    [error.code, error.hint],
    ["module_bad_result", "to leave them out, write in prompts: ignore: [topic]"],
  );
  const { compiled } = await compile(await campaignFolder(files), withIgnore(spec, error.hint!));
  assert.deepEqual(compiled.ignored, { prompts: ["topic"] });
});

it("published shapes of rows compile, with at most one line of `ignore`", async () => {
  const turn = (content: string) => ({ role: "user", content });
  const answer = (content: string) => ({ role: "assistant", content });
  const template = "{% for m in messages %}say {{ m.content }} {% endfor %}";
  const chat = {
    "tok/tokenizer_config.json": JSON.stringify({ ...tokenizerConfig, chat_template: template }),
  };
  type Shape = { rows: object[]; ignore?: string[] };
  const pairs: Shape[] = [
    // HuggingFaceH4/ultrafeedback_binarized.
    { rows: [ULTRAFEEDBACK], ignore: ["messages", "extra"] },
    // trl-lib/ultrafeedback_binarized, and TRL's other form.
    {
      rows: [
        {
          chosen: ULTRAFEEDBACK.chosen,
          rejected: ULTRAFEEDBACK.rejected,
          score_chosen: 8,
          score_rejected: 4,
        },
      ],
    },
    { rows: [{ prompt: [turn("yes yes")], chosen: [answer("no")], rejected: [answer("w1")], margin: 4 }] },
    // hh-rlhf.
    { rows: [{ chosen: "yes yes no", rejected: "yes yes w1" }] },
  ];
  const sft: Shape[] = [
    // HuggingFaceH4/ultrafeedback_binarized.
    {
      rows: [ULTRAFEEDBACK],
      ignore: ["prompt", "chosen", "rejected", "score_chosen", "score_rejected", "extra"],
    },
    // TRL's forms.
    { rows: [{ prompt: [turn("yes yes")], completion: [answer("no")] }] },
    { rows: [{ messages: [turn("yes yes")], completion: [answer("no")] }] },
    { rows: DATA["sft.jsonl"] },
  ];
  // RLHFlow's prompt sets.
  const contexts = promptRows.map(({ prompt: text }) => ({ context_messages: [turn(text)], source: "a" }));
  const prompts: Shape[] = [{ rows: contexts, ignore: ["source"] }, { rows: DATA["prompts.jsonl"] }];
  for (const [at, pair] of pairs.entries()) {
    const [written, asked] = [sft[at]!, prompts[Math.min(at, 1)]!];
    const dir = await campaignFolder({
      ...chat,
      "pairs.jsonl": lines(pair.rows),
      "sft.jsonl": lines(written.rows),
      "prompts.jsonl": lines(asked.rows),
    });
    const store = await memory();
    const { compiled, summary } = await compile(
      dir,
      {
        prompts: { ...base.prompts, ignore: asked.ignore ?? [] },
        bootstrap: {
          // A conversation has no division into prompt and answer.
          sft: { data: { file: "sft.jsonl", ignore: written.ignore ?? [] }, promptMask: false },
          preferences: { file: "pairs.jsonl", ignore: pair.ignore ?? [] },
          reward: {},
        },
        score: { reward: "model" },
      },
      { store },
    );
    assert.equal(summary.preferences!.kept, 1);
    /** Of the first row. */
    const content = async (digest: string): Promise<Record<string, unknown>> => {
      const row = JSON.parse((await textOf(store, digest)).split("\n")[0]!) as Record<string, unknown>;
      const {
        id: _id,
        prompt_id: _promptId,
        chosen_score: _c,
        rejected_score: _r,
        margin: _m,
        ...rest
      } = row;
      return rest;
    };
    const preferences = compiled.bootstrap.preferences as { data: { rows: string } };
    const stored = await content(preferences.data.rows);
    assert.deepEqual(
      stored,
      typeof stored["prompt"] === "string"
        ? { prompt: "yes yes", chosen: " no", rejected: " w1" }
        : { prompt: [turn("yes yes")], chosen: [answer("no")], rejected: [answer("w1")] },
    );
    const { messages, ...learned } = await content(compiled.bootstrap.sft!.data.rows);
    if (messages === undefined) assert.deepEqual(learned, DATA["sft.jsonl"][0]);
    else assert.deepEqual(messages, [turn("yes yes"), ...("completion" in learned ? [] : [answer("no")])]);
    if (asked.ignore)
      assert.match(
        JSON.stringify(await content(compiled.prompts.test.rows)),
        /^\{"messages":\[\{"role":"user"/,
      );
  }
});

const ULTRAFEEDBACK = {
  prompt: "yes yes",
  prompt_id: "0f0e8f",
  chosen: [
    { role: "user", content: "yes yes" },
    { role: "assistant", content: "no" },
  ],
  rejected: [
    { role: "user", content: "yes yes" },
    { role: "assistant", content: "w1" },
  ],
  messages: [
    { role: "user", content: "yes yes" },
    { role: "assistant", content: "no" },
  ],
  score_chosen: 8.5,
  score_rejected: 4,
  extra: null as string | null,
};

it("ids beyond 2^53 keep their digits, and neighbours stay two prompts", async () => {
  const rows = promptRows.map(
    ({ prompt: text }, i) => `{"id":${1234567890123456789n + BigInt(i)},"prompt":"${text}"}\n`,
  );
  const store = await memory();
  const { compiled } = await compile(await campaignFolder({ "prompts.jsonl": rows.join("") }), {}, { store });
  const digests = [compiled.prompts.iterations, compiled.prompts.validation, compiled.prompts.test];
  const ids = (await Promise.all(digests.map(({ rows: digest }) => textOf(store, digest)))).flatMap((text) =>
    [...text.matchAll(/"id":"(\d+)"/g)].map(([, id]) => BigInt(id!)),
  );
  assert.equal(new Set(ids).size, 35);
  assert.ok(ids.every((id) => id >= 1234567890123456789n && id < 1234567890123456829n));
});

it("a module's file that is not UTF-8 is refused: no byte of it is replaced", async () => {
  const dir = await campaignFolder({
    "taste.ts": "import words from './words.txt';\nexport const taste = () => words.length;\n",
  });
  await writeFile(join(dir, "words.txt"), Buffer.from("caf\xe9", "latin1"));
  await assert.rejects(compile(dir), { code: "module_invalid", message: /words\.txt is not UTF-8: byte 4 / });
});

it("minMargin is refused if a file has no scores", async () => {
  const error = await refused(
    { "sft.jsonl": lines(DATA["sft.jsonl"]), "pairs.jsonl": lines(DATA["pairs.jsonl"]) },
    {
      ...SPEC_WITH_DATA,
      bootstrap: { ...SPEC_WITH_DATA.bootstrap, preferences: { file: "pairs.jsonl", minMargin: 1 } },
    },
  );
  assert.match(
    error.message,
    /pairs\.jsonl has no scores, but bootstrap\.preferences\.minMargin compares them/,
  );
  assert.match(error.hint!, /score_chosen and score_rejected/);
});
