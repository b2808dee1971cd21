import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import { durationMs } from "./fields.ts";
import { KTO_PROPERTIES, preferenceProperties } from "../../engine/loss/index.ts";
import type { PreferenceTerm } from "../../engine/loss/index.ts";
import { LOSS_NAMES, termsOf, usesReference } from "./losses.ts";
import type { WeightedLoss } from "./losses.ts";
import { resolveSpec } from "./resolve.ts";
import { specJsonSchema } from "./schema.ts";
import type { WrittenSpec } from "./schema.ts";

const minimal: WrittenSpec = {
  name: "shop",
  policy: { path: "./model" },
  prompts: { file: "prompts.jsonl" },
  score: { reward: { module: "./reward.ts" } },
};

const refused = (spec: unknown): RatchetError => {
  try {
    resolveSpec(spec);
  } catch (error) {
    assert.ok(error instanceof RatchetError);
    return error;
  }
  throw new assert.AssertionError({ message: "the spec was accepted" });
};

it("the paper's values are the defaults", () => {
  const { generate, train, pair, iterations, prompts } = resolveSpec(minimal);
  assert.deepEqual(generate.samples, [
    { temperature: 1, count: 4 },
    { temperature: 0.7, count: 4 },
  ]);
  assert.deepEqual(
    [
      train.beta,
      train.learningRate,
      train.epochs,
      train.batch,
      train.warmup,
      train.schedule,
      train.reference,
    ],
    [0.1, 5e-7, 2, 128, 0.03, "cosine", "initial"],
  );
  assert.deepEqual(
    [pair.strategy, pair.dropTruncated, iterations, prompts.perIteration],
    ["max-min", true, 3, 20_000],
  );
});

it("a resolved spec resolves to itself", () => {
  const resolved = resolveSpec(minimal);
  assert.deepEqual(resolveSpec(resolved), resolved);
});

it("an adapter is trained only if train.lora is given, with its defaults", () => {
  assert.equal(resolveSpec(minimal).train.lora, undefined);
  assert.deepEqual(resolveSpec({ ...minimal, train: { lora: {} } }).train.lora, {
    rank: 16,
    alpha: 32,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  });
});

const misspelt: [string, object, string, string][] = [
  ["at the top", { itterations: 3 }, "unknown key itterations in the spec", "did you mean iterations?"],
  ["in a section", { train: { betta: 0.1 } }, "unknown key betta in train", "did you mean beta?"],
  [
    "in a list",
    { generate: { samples: [{ temperature: 1, cuont: 8 }] } },
    "unknown key cuont in generate.samples[0]",
    "did you mean count?",
  ],
  [
    "in one of two forms",
    { score: { reward: { module: "r.ts", timout: "5s" } } },
    "unknown key timout in score.reward",
    "did you mean timeout?",
  ],
  [
    "of a loss",
    { train: { loss: { type: "discopop", tua: 1 } } },
    "unknown key tua in train.loss",
    "did you mean tau?",
  ],
  ["of another section", { beta: 0.1 }, "unknown key beta in the spec", "beta belongs in train"],
];
for (const [where, change, message, hint] of misspelt) {
  it(`a misspelt key ${where} is refused with the most similar known key`, () => {
    const error = refused({ ...minimal, ...change });
    assert.equal(error.code, "spec_invalid");
    assert.ok(
      error.problems.some((problem) => problem.message === message && problem.hint === hint),
      JSON.stringify(error.problems),
    );
  });
}

const outOfRange: [object, string][] = [
  [{ train: { learningRate: 3 } }, "train.learningRate is 3, but must be a number above 0, at most 1"],
  [
    { baselines: Array.from({ length: 9 }, (_, n) => ({ name: `${n}`, pairs: "preferences" })) },
    'baselines is [{"name":"0","pairs":"preferences"},{"name":"1","pairs":"..., ' +
      "but must be a list of at most 8 baselines",
  ],
  [{ train: { beta: 0 } }, "train.beta is 0, but must be a number above 0, at most 1000"],
  [{ train: { betas: [0.9, 1] } }, "train.betas[1] is 1, but must be a number from 0 to below 1"],
  [{ generate: { topP: "all" } }, 'generate.topP is "all", but must be a number above 0, at most 1'],
  [{ generate: { minP: 2 } }, "generate.minP is 2, but must be a number from 0 to 1"],
  [{ generate: { stop: [".", ""] } }, 'generate.stop[1] is "", but must be a text or a token id'],
  [{ iterations: 2.5 }, "iterations is 2.5, but must be a whole number from 1 to 9999"],
  [
    { pair: { strategy: "best" } },
    'pair.strategy is "best", but must be one of max-min, max-random, max-max, random',
  ],
  [
    { train: { loss: { type: "robust", labelSmoothing: 0.5 } } },
    "train.loss.labelSmoothing is 0.5, but must be a number from 0 to below 0.5",
  ],
  [
    { train: { loss: ["sigmoid", { type: "sft", weight: 0 }] } },
    "train.loss[1].weight is 0, but must be a number above 0, at most 1000000",
  ],
  [{ train: { loss: [] } }, "train.loss is [], but must be a list of at least one loss"],
  [
    { pair: "max-min" },
    'pair is "max-min", but must be a section with ' +
      "strategy, lengthPenalty, dropTruncated, missingEosPenalty, limit",
  ],
  [
    { generate: { samples: [] } },
    "generate.samples is [], but must be a list of at least one {temperature, count}",
  ],
  [
    { score: { reward: "preference-model", preferenceModel: { path: "m", template: "{context} {a}" } } },
    'score.preferenceModel.template is "{context} {a}", but must be a text with {context}, {a} and {b} in it',
  ],
  [
    { score: { reward: { module: "r.ts", timeout: 5 } } },
    "score.reward.timeout is 5, but must be a time with its unit, such as 500ms, 30s, 5m, 1h or 3d",
  ],
  [
    { name: "My Shop" },
    'name is "My Shop", but must be a name of lower-case letters, digits, dot, - and _, ' +
      "at most 63 characters",
  ],
  [{ train: { lora: { rank: 0 } } }, "train.lora.rank is 0, but must be a whole number from 1 to 4096"],
  [
    { train: { lora: { targets: ["lm_head"] } } },
    'train.lora.targets[0] is "lm_head", but must be one of ' +
      "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj",
  ],
  [{ prompts: undefined }, "prompts is missing: it must be a section with file, hub or module, and counts"],
  [{ prompts: { file: "a", module: "b" } }, "prompts has file and module, but needs only one"],
  [{ policy: {} }, "policy needs path, hub or init"],
  [
    { prompts: { file: "a", ignore: ["source", "role"] } },
    'prompts.ignore[1] is "role", but must be the name of a column or of a message\'s field, ' +
      "not role or content",
  ],
  [
    { prompts: { file: "a", ignore: "source" } },
    'prompts.ignore is "source", but must be a list of names of columns and of messages\' fields',
  ],
];
for (const [change, message] of outOfRange) {
  it(`refused with value and range: ${message}`, () => {
    assert.deepEqual(
      refused({ ...minimal, ...change }).problems.map((problem) => problem.message),
      [message],
    );
  });
}

it("one error has all problems, the first as its message", () => {
  const error = refused({ ...minimal, iterations: 0, train: { beta: -1 }, sead: 1 });
  assert.equal(error.problems.length, 3);
  assert.match(error.message, /\(and 2 more\)$/);
});

const losses: [written: unknown, resolved: unknown][] = [
  ["sigmoid", "sigmoid"],
  [{ type: "hinge" }, "hinge"],
  ["robust", { type: "robust", labelSmoothing: 0.1 }],
  [
    { type: "simpo", gamma: 1 },
    { type: "simpo", gamma: 1 },
  ],
  ["kto", { type: "kto", desirableWeight: 1, undesirableWeight: 1 }],
  [
    ["sigmoid", { type: "sft", weight: 0.2 }],
    [
      { type: "sigmoid", weight: 1 },
      { type: "sft", weight: 0.2 },
    ],
  ],
];
for (const [written, resolved] of losses) {
  it(`train.loss ${JSON.stringify(written)} is recorded with all its settings`, () => {
    const spec = resolveSpec({ ...minimal, train: { loss: written } });
    assert.deepEqual(spec.train.loss, resolved);
    assert.deepEqual(resolveSpec(spec), spec);
  });
}

/** These compile only if the spec and the engine have the same losses with the same settings. */
const toEngine = (loss: WeightedLoss): PreferenceTerm => loss;
const toSpec = (term: PreferenceTerm): WeightedLoss => term;

it("the spec and the engine agree which losses use a reference", () => {
  const lists = LOSS_NAMES.flatMap((name) =>
    name === "kto" ? [] : [[name], [name, "sft"], [name, "sigmoid"]],
  );
  for (const names of lists) {
    const { loss } = resolveSpec({ ...minimal, train: { loss: names } }).train;
    const terms = termsOf(loss).map(toEngine);
    assert.equal(usesReference(loss), preferenceProperties(terms).reference, names.join(" + "));
    assert.deepEqual(terms.map(toSpec), termsOf(loss));
  }
  const { loss } = resolveSpec({ ...minimal, train: { loss: "kto" } }).train;
  assert.equal(usesReference(loss), KTO_PROPERTIES.reference);
});

it("a secret in a spec is refused and not shown", () => {
  const error = refused({
    ...minimal,
    evaluate: { judge: { module: "j.ts", env: { KEY: "sk-very-secret" } } },
  });
  assert.match(error.message, /^evaluate\.judge\.env\.KEY must be env:NAME/);
  assert.ok(!JSON.stringify([error.message, error.problems]).includes("very-secret"));
  resolveSpec({ ...minimal, evaluate: { judge: { module: "j.ts", env: { KEY: "env:JUDGE_KEY" } } } });
});

const matched = { name: "matched", pairs: "initial-policy" };
const labeled = { comparisons: 300, labelers: { module: "labelers.ts" } };
const init = (model: object) => ({
  policy: {
    init: {
      tokenizer: "t",
      model: { hiddenSize: 64, layers: 1, heads: 4, intermediateSize: 64, contextLength: 4096, ...model },
    },
  },
});
const conflicts: [object, RegExp][] = [
  [
    { generate: { samples: [{ temperature: 1, count: 1 }] } },
    /generate\.samples gives 1 answer per prompt, but pair\.strategy max-min needs at least 2/,
  ],
  [
    { pair: { missingEosPenalty: 1 } },
    /missingEosPenalty is 1, but pair\.dropTruncated keeps all cut-off answers out of pairs/,
  ],
  [
    { generate: { runtime: "vllm", samples: [{ temperature: 0.005, count: 4 }] } },
    /generate\.samples\[0\]\.temperature is 0\.005, but vllm samples at 0\.01 at least, or at 0/,
  ],
  [
    { generate: { runtime: "vllm" }, evaluate: { temperature: 0.001 } },
    /evaluate\.temperature is 0\.001, but vllm samples at 0\.01 at least/,
  ],
  [{ score: { reward: "model" } }, /score\.reward is model, but bootstrap\.reward is missing/],
  [
    { score: { reward: "model" }, bootstrap: { reward: {} } },
    /bootstrap\.reward needs pairs to learn from, but there is neither bootstrap\.labels nor/,
  ],
  [
    { bootstrap: { reward: {}, preferences: { file: "p" } } },
    /bootstrap\.reward trains a model, but score\.reward is a module/,
  ],
  [
    { bootstrap: { preferences: { file: "p" } } },
    /neither bootstrap\.reward, bootstrap\.preferenceModel nor a baseline uses it/,
  ],
  [
    { score: { reward: "preference-model" } },
    /neither bootstrap\.preferenceModel trains one nor score\.preferenceModel\.path or \.hub gives one/,
  ],
  [
    {
      score: { reward: "preference-model", preferenceModel: { path: "m" } },
      bootstrap: { preferences: { file: "p" }, preferenceModel: {} },
    },
    /path gives m, and bootstrap\.preferenceModel trains another/,
  ],
  [
    { score: { reward: "preference-model" }, bootstrap: { preferenceModel: {} } },
    /bootstrap\.preferenceModel needs pairs to learn from/,
  ],
  [
    { bootstrap: { preferences: { file: "p" }, preferenceModel: {} } },
    /bootstrap\.preferenceModel trains a model, but score\.reward is a module/,
  ],
  [
    { score: { reward: { module: "r.ts" }, preferenceModel: { path: "m" } } },
    /score\.preferenceModel\.path is m, but score\.reward is a module/,
  ],
  [
    { score: { reward: "preference-model", preferenceModel: { path: "m" } }, pair: { strategy: "random" } },
    /pair\.strategy is random, but a preference model finds the best and the worst answer only/,
  ],
  [
    {
      score: { reward: "preference-model", preferenceModel: { path: "m" } },
      pair: { lengthPenalty: { weight: 0.001 } },
    },
    /lengthPenalty\.weight is 0\.001, but a preference model gives no score/,
  ],
  [
    { score: { reward: "preference-model", preferenceModel: { path: "m", letters: ["A", "A"] } } },
    /letters are A twice/,
  ],
  [
    {
      prompts: { file: "p", bootstrap: 300 },
      bootstrap: { labels: labeled, preferences: { file: "p" }, reward: {} },
      score: {},
    },
    /bootstrap\.preferences gives pairs of a file, and bootstrap\.labels makes others/,
  ],
  [
    { prompts: { file: "p", bootstrap: 300 }, bootstrap: { labels: labeled } },
    /bootstrap\.labels is given, but neither bootstrap\.reward, bootstrap\.preferenceModel nor a baseline/,
  ],
  [
    { baselines: [{ name: "offline", pairs: "preferences" }] },
    /baseline offline trains on preferences, but bootstrap\.preferences is missing/,
  ],
  [
    {
      baselines: [
        { name: "a", pairs: "initial-policy" },
        { name: "a", pairs: "initial-policy" },
      ],
    },
    /two baselines are named a/,
  ],
  [{ baselines: [matched] }, /baselines train on iterations × pair\.limit pairs, but pair\.limit is 0/],
  [
    { baselines: [matched], prompts: { file: "p", perIteration: 256 }, pair: { limit: 512 } },
    /pair\.limit is 512, but prompts\.perIteration gives an iteration at most 256 pairs/,
  ],
  [
    { baselines: [matched], train: { batch: 16 }, pair: { limit: 200 } },
    /pair\.limit is 200, no multiple of train\.batch 16, so baselines would train in fewer steps/,
  ],
  [
    {
      baselines: [{ name: "offline", pairs: "labels" }],
      prompts: { file: "p", bootstrap: 300 },
      bootstrap: { labels: labeled },
      pair: { limit: 128 },
    },
    /offline needs iterations × pair\.limit = 384 pairs, but bootstrap\.labels .* gives at most 300/,
  ],
  [
    {
      baselines: [{ name: "all", pairs: "labels", count: 281 }],
      prompts: { file: "p", bootstrap: 300 },
      bootstrap: { labels: { ...labeled, audit: 20 } },
    },
    /baseline all needs 281 pairs, but bootstrap\.labels without its audit part gives at most 280/,
  ],
  [
    {
      baselines: [{ ...matched, count: 31 }],
      iterations: 3,
      prompts: { file: "p", perIteration: 10 },
    },
    /baseline matched needs 31 pairs, but iterations × prompts\.perIteration gives at most 30/,
  ],
  [
    { baselines: [{ name: "offline", pairs: "labels" }] },
    /baseline offline trains on labels, but bootstrap\.labels is missing/,
  ],
  [
    { score: { reward: "model" }, bootstrap: { reward: {}, labels: labeled } },
    /bootstrap\.labels needs prompts, but prompts\.bootstrap is 0/,
  ],
  [{ prompts: { file: "p", bootstrap: 5 } }, /prompts\.bootstrap is 5, but bootstrap\.labels, .* is missing/],
  [
    {
      score: { reward: "model" },
      bootstrap: { reward: {}, labels: { ...labeled, sample: { samples: [{ temperature: 1, count: 1 }] } } },
      prompts: { file: "p", bootstrap: 5 },
    },
    /bootstrap\.labels\.sample\.samples gives 1 answer per prompt, but a comparison needs 2/,
  ],
  [
    {
      score: { reward: "model" },
      bootstrap: { reward: {}, labels: { ...labeled, sample: { samples: [{ temperature: 1, count: 3 }] } } },
      prompts: { file: "p", bootstrap: 5 },
    },
    /bootstrap\.labels\.comparisons is 300, but 5 prompts with 3 answers give at most 15/,
  ],
  [
    {
      score: { reward: "model" },
      bootstrap: { reward: {}, labels: { ...labeled, audit: 300, minimum: 2 } },
      prompts: { file: "p", bootstrap: 300 },
    },
    /bootstrap\.labels\.audit is 300 of bootstrap\.labels\.comparisons 300, so nothing would be trained on/,
  ],
  [
    { labels: { perIteration: 60, audit: 60 } },
    /labels\.audit is 60 of labels\.perIteration 60, so nothing would be trained on/,
  ],
  [
    { labels: { perIteration: 100, choose: "best-against-rest" }, prompts: { file: "p", perIteration: 10 } },
    /10 prompts with 8 answers give at most 70 comparisons by best-against-rest/,
  ],
  [
    { labels: { perIteration: 60, audit: 20, minimum: 50, deadline: "3d" } },
    /labels\.minimum is 50, but at most 40 comparisons are to train on/,
  ],
  [
    { labels: { perIteration: 60, minimum: 50 } },
    /labels\.minimum is 50, but without labels\.deadline the campaign waits for all labels/,
  ],
  [
    { labels: { perIteration: 60, labelers: { api: "nightly" }, deadline: "3d" } },
    /labels\.deadline is 3d, but the API labeler nightly is asked until it has answered all/,
  ],
  [
    { labels: { perIteration: 60, labelers: { api: "nightly" }, perComparison: 2 } },
    /labels\.perComparison is 2, but the API labeler nightly gives one label/,
  ],
  [
    {
      labels: { perIteration: 60, choose: "uncertain" },
      score: { reward: "preference-model", preferenceModel: { path: "m" } },
    },
    /labels\.choose is uncertain, but a preference model gives no scores/,
  ],
  [
    { score: { reward: "none" }, evaluate: { judge: { module: "j.ts" } } },
    /score\.reward is none, but labels are missing/,
  ],
  [
    { score: { reward: "none" }, labels: { perIteration: 60 } },
    /score\.reward is none, but there is neither evaluate\.judge nor evaluate\.gold/,
  ],
  [
    { score: { reward: "none" }, labels: { perIteration: 60, choose: "uncertain" } },
    /labels\.choose is uncertain, but score\.reward is none/,
  ],
  [
    { score: { reward: "none" }, labels: { perIteration: 60, audit: 10 } },
    /labels\.audit is 10, but score\.reward is none/,
  ],
  [
    { labels: { perIteration: 60, use: ["reward"], refit: {} } },
    /labels\.use has reward, but score\.reward is a module, so there is no reward model to train on/,
  ],
  [
    { labels: { perIteration: 60, use: ["pairs", "reward"] }, score: { reward: "model" } },
    /labels\.use has reward, but labels\.refit is missing/,
  ],
  [
    { labels: { perIteration: 60, refit: {} }, score: { reward: "model" } },
    /labels\.refit trains the reward model on, but labels\.use is pairs/,
  ],
  [
    { score: { reward: "none" }, bootstrap: { labels: { ...labeled, audit: 9 } } },
    /bootstrap\.labels\.audit is 9, but score\.reward is none/,
  ],
  [
    { score: { reward: "none" }, baselines: [{ ...matched, count: 9 }] },
    /baseline matched trains on scored answers of π_0, but score\.reward is none/,
  ],
  [
    { score: { reward: "none" }, bootstrap: { preferences: { file: "p" }, reward: {} } },
    /bootstrap\.reward trains a model, but score\.reward is none, so nothing would use it/,
  ],
  [{ bootstrap: { sft: { data: { module: "s.ts" } } } }, /count is missing/],
  [{ train: { loss: "kto", batch: 1 } }, /train\.batch is 1, but train\.loss kto needs at least 2/],
  [
    { train: { loss: "kto", ldAlpha: 0.5 } },
    /train\.ldAlpha is 0\.5 and compares the answers of a pair, but train\.loss kto has no pairs/,
  ],
  [
    { train: { loss: "simpo", ldAlpha: 0.5 } },
    /train\.ldAlpha is 0\.5 and weighs log-ratios to the reference, but train\.loss has none/,
  ],
  [
    { ...init({ contextLength: 1024 }) },
    /generate\.maxTokens is 2048, but the model's context is 1024 tokens/,
  ],
  [{ ...init({ hiddenSize: 60, heads: 4 }) }, /hiddenSize 60 over heads 4 is no even head size/],
  [{ ...init({ kvHeads: 3 }) }, /heads 4 is no multiple of kvHeads 3/],
  [{ promote: { alsoAgainst: 1 } }, /promote\.alsoAgainst compares with .* no evaluate\.judge to ask/],
  [
    { promote: { confidence: 0.99 }, evaluate: { resamples: 199 } },
    /promote\.confidence is 0\.99 and needs at least 200 resamples, but evaluate\.resamples is 199/,
  ],
];
for (const [change, message] of conflicts) {
  it(`conflicting settings are refused by name: ${message.source.replaceAll("\\", "")}`, () => {
    const error = refused({ ...minimal, ...change });
    assert.equal(error.code, "spec_conflict");
    assert.ok(
      error.problems.some((problem) => message.test(problem.message)),
      JSON.stringify(error.problems),
    );
  });
}

it("keys of earlier specs are refused with the keys that replace them", () => {
  const old = {
    ...minimal,
    prompts: { file: "p", preferences: 5 },
    bootstrap: { preferences: { sample: {}, rater: { module: "rater.ts" } } },
  };
  const { hint, problems } = refused(old);
  assert.match(hint ?? "", /write prompts\.bootstrap/);
  const hints = new Map(problems.map(({ path, hint: what }) => [path, what]));
  for (const path of ["bootstrap.preferences.sample", "bootstrap.preferences.rater"])
    assert.match(hints.get(path) ?? "", /^labels on answers of π_0 are a section now: bootstrap\.labels/);
});

it("a baseline with a count needs no limit of pairs", () => {
  const baselines = [{ ...matched, count: 100 }];
  assert.equal(resolveSpec({ ...minimal, baselines }).baselines[0]?.count, 100);
});

it("the JSON Schema has every section and requires only settings without a default", () => {
  const schema = specJsonSchema() as {
    properties: Record<string, { properties?: object }>;
    required: string[];
  };
  assert.deepEqual(schema.required, ["name", "policy", "prompts"]);
  assert.deepEqual(Object.keys(schema.properties), [
    "$schema",
    "name",
    "seed",
    "policy",
    "prompts",
    "bootstrap",
    "baselines",
    "iterations",
    "generate",
    "score",
    "labels",
    "pair",
    "train",
    "evaluate",
    "promote",
  ]);
  assert.ok("lengthPenalty" in schema.properties["pair"]!.properties!);
});

it("durations are read in their unit", () => {
  assert.deepEqual(["500ms", "30s", "1.5m", "1h"].map(durationMs), [500, 30_000, 90_000, 3_600_000]);
});

// ---------------------------------------------------------------- the documented defaults

const document = await readFile(new URL("../../../docs/spec.md", import.meta.url), "utf8");
const valueAt = (root: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], root);

it("docs/spec.md has every loss with its default settings", () => {
  const described = new Map(
    [...document.matchAll(/^\| `(\w+)` \| (?:`([^`]*)`)? ?\| .*arXiv/gm)].map(([, name, settings]) => [
      name,
      settings,
    ]),
  );
  for (const name of LOSS_NAMES) {
    const { loss } = resolveSpec({ ...minimal, train: { loss: name } }).train;
    const { type: _, ...settings } = typeof loss === "string" ? { type: loss } : (loss as { type: string });
    assert.ok(described.has(name), name);
    assert.equal(
      described.get(name) ?? "",
      Object.entries(settings)
        .map(([key, value]) => `${key}: ${value}`)
        .join(", "),
      name,
    );
  }
});

it("the defaults in docs/spec.md are the code's", () => {
  const { resolved, sft } = {
    resolved: resolveSpec({ ...minimal, labels: { perIteration: 1 } }),
    sft: resolveSpec({
      ...minimal,
      bootstrap: { sft: { data: { file: "s" } }, reward: {}, preferences: { file: "p" } },
      score: {},
    }),
  };
  const { bootstrap } = resolveSpec({
    ...minimal,
    bootstrap: { preferenceModel: {}, preferences: { file: "p" } },
    score: { reward: "preference-model" },
  });
  const refitted = resolveSpec({
    ...minimal,
    bootstrap: { reward: {}, preferences: { file: "p" } },
    labels: { perIteration: 1, use: ["reward"], refit: {} },
    score: {},
  });
  const trained = { ...sft, bootstrap: { ...sft.bootstrap, preferenceModel: bootstrap.preferenceModel } };
  const settings = [...document.matchAll(/^\| `([\w.]+)` \| `([^`]+)` \| [PSR] \|/gm)];
  for (const [, path, value] of settings) {
    const actual =
      path === "score.reward"
        ? resolveSpec({ ...minimal, score: {}, bootstrap: sft.bootstrap }).score.reward
        : valueAt(path!.startsWith("labels.refit.") ? refitted : resolved, path!);
    assert.deepEqual(actual, JSON.parse(value!), path);
  }
  const optimizer = [
    ...document.matchAll(/^\| `(\w+)` \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|/gm),
  ];
  for (const [, name, ...values] of optimizer) {
    ["bootstrap.sft", "bootstrap.reward", "bootstrap.preferenceModel", "train"].forEach((section, i) =>
      assert.deepEqual(valueAt(trained, `${section}.${name}`), JSON.parse(values[i]!), `${section}.${name}`),
    );
  }
  assert.ok(
    settings.length > 25 && optimizer.length === 9,
    `${settings.length} and ${optimizer.length} rows found`,
  );
});
