/* oxlint-disable max-lines -- one schema, in the order of the spec */
// The campaign spec as people write it: one schema for YAML, JSON and TypeScript. Written spec → resolved
// spec (`resolveSpec` fills in defaults) → compiled spec (`compileSpec` replaces paths by digests).
// defaults.ts has the defaults; conflicts.ts has rules between fields.
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { above, below, duration, flag, oneOf, path, real, text, whole } from "./fields.ts";
import { BASELINE_NAME, CAMPAIGN_ID, ITERATIONS_MAX } from "../ids.ts";
import { lossField } from "./losses.ts";
import { API_LABELER } from "../labeling/types.ts";
import { EARLIER_MAX } from "../rules.ts";
import { RUNTIME_NAMES } from "./runtimes.ts";
import { atMostOneSource, modelSource, oneSource, rowSource } from "./sources.ts";

/** An object without unknown keys. `what`: its content, for the refusal of another value. */
function section<S extends z.ZodRawShape>(what: string, shape: S) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "invalid_type" ? `a section with ${what}` : undefined),
  });
}

const list = <S extends z.ZodType>(item: S, what: string) => z.array(item, { error: `a list of ${what}` });

/** The module's variables, each with the worker's variable that holds its value; never the value itself. */
const environment = z.record(
  text(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"),
  text(
    /^env:[A-Za-z_][A-Za-z0-9_]*$/,
    "env:NAME, a variable of the worker; never write a secret itself in a spec",
  ),
  { error: "a mapping of names to env:NAME" },
);

const moduleFields = {
  timeout: duration().default(DEFAULTS.timeout),
  env: environment.default({}),
  /** Whether the module uses the network. */
  network: flag().default(false),
};
const moduleSource = section("module, timeout, env, network", {
  module: path("a TypeScript or JavaScript module"),
  ...moduleFields,
});

/** Columns of rows, and fields of their messages, that nothing reads. Without this they are refused. */
const ignore = list(
  text(/^(?!(?:role|content)$)[^]/, "the name of a column or of a message's field, not role or content"),
  "names of columns and of messages' fields",
).default([]);

const samples = list(
  section("temperature and count", { temperature: real(0, 10), count: whole(1, 1024) }),
  "{temperature, count}",
).min(1, { error: "a list of at least one {temperature, count}" });

const stop = z.union([text(/[^]/, "a text or a token id"), whole(0, 10_000_000)], {
  error: "a text or a token id",
});

const sampling = (defaults: { samples: readonly { temperature: number; count: number }[] }) => ({
  samples: samples.default(defaults.samples.map((sample) => ({ ...sample }))),
  maxTokens: whole(1, 1_000_000).default(DEFAULTS.generate.maxTokens),
  topK: whole(0, 1_000_000).default(DEFAULTS.generate.topK),
  topP: above(0, 1).default(DEFAULTS.generate.topP),
  minP: real(0, 1).default(DEFAULTS.generate.minP),
  stop: list(stop, "texts and token ids").default([...DEFAULTS.generate.stop]),
});

interface OptimizerDefaults {
  learningRate: number;
  betas: readonly [number, number];
  epsilon: number;
  weightDecay: number;
  clip: number;
  schedule: "cosine";
  warmup: number;
  epochs: number;
  batch: number;
}

const optimizer = (defaults: OptimizerDefaults) => ({
  learningRate: above(0, 1).default(defaults.learningRate),
  betas: z
    .tuple([below(0, 1), below(0, 1)], { error: "two numbers from 0 to below 1" })
    .default([...defaults.betas]),
  epsilon: above(0, 1).default(defaults.epsilon),
  weightDecay: real(0, 10).default(defaults.weightDecay),
  clip: real(0, 1_000_000).default(defaults.clip),
  schedule: oneOf("constant", "linear", "cosine").default(defaults.schedule),
  warmup: real(0, 1).default(defaults.warmup),
  epochs: whole(1, 1000).default(defaults.epochs),
  batch: whole(1, 1_000_000).default(defaults.batch),
  /** Rows per forward and backward pass. If absent, as many as fit in memory. */
  microBatch: whole(1, 1_000_000).optional(),
  /** Tokens of prompt and answer. If absent, the model's context, so that no generated answer is cut. */
  maxLength: whole(2, 10_000_000).optional(),
});

/** For rows longer than maxLength. A reward model reads the end of a row, so its rows are never cut. */
const truncation = { truncation: oneOf("drop", "keep_start").default(DEFAULTS.truncation) };

const queueName = text(/^[a-z0-9][a-z0-9-]{0,40}$/, "a queue name of lower-case letters, digits and -");
const queue = queueName.default(DEFAULTS.queue);

const modelShape = section("hiddenSize, layers, heads, kvHeads, intermediateSize, contextLength", {
  hiddenSize: whole(2, 65_536),
  layers: whole(1, 1024),
  heads: whole(1, 1024),
  /** Key and value heads. If absent, as many as heads. */
  kvHeads: whole(1, 1024).optional(),
  intermediateSize: whole(1, 1_000_000),
  contextLength: whole(2, 10_000_000),
  tieEmbeddings: flag().default(true),
  ropeTheta: above(0, 1e12).default(10_000),
  rmsNormEps: above(0, 1).default(1e-5),
});

const policy = section("path, hub or init", {
  ...modelSource,
  init: section("tokenizer and model", {
    tokenizer: path("a folder that holds tokenizer.json"),
    model: modelShape,
  }).optional(),
}).superRefine(oneSource("path", "hub", "init"));

const rowsOrModule = {
  ...rowSource,
  module: path("a TypeScript or JavaScript module").optional(),
  ignore,
  ...moduleFields,
};

const prompts = section("file, hub or module, and counts", {
  ...rowsOrModule,
  perIteration: whole(1, 10_000_000).default(DEFAULTS.prompts.perIteration),
  validation: whole(1, 1_000_000).default(DEFAULTS.prompts.validation),
  test: whole(1, 1_000_000).default(DEFAULTS.prompts.test),
  /** Prompts whose answers by π_0 the bootstrap's labelers compare. */
  bootstrap: whole(0, 10_000_000).default(DEFAULTS.prompts.bootstrap),
}).superRefine(oneSource("file", "hub", "module"));

const sftData = section("file, hub, or module and count", {
  ...rowsOrModule,
  count: whole(1, 100_000_000).optional(),
}).superRefine(oneSource("file", "hub", "module"));

const preferences = section("file or hub, minMargin, ignore", {
  ...rowSource,
  /** Rows whose two scores differ by less are dropped; 0 keeps all. */
  minMargin: real(0, 1e9).default(DEFAULTS.preferences.minMargin),
  ignore,
}).superRefine(oneSource("file", "hub"));

const labelers = section("module or api", {
  module: path("a TypeScript or JavaScript module").optional(),
  /** Name of an API labeler in the settings of the workers (docs/api-labelers.md). */
  api: text(API_LABELER, "the name of an API labeler, of lower-case letters, digits and -").optional(),
  ...moduleFields,
}).superRefine(oneSource("module", "api"));

/** Comparisons of a policy's answers by people, by a module that acts as people, or by an API labeler. */
const labeling = {
  /** Of these, never trained on. */
  audit: whole(0, 1_000_000).default(DEFAULTS.labels.audit),
  /** Labels by different people for each comparison. */
  perComparison: whole(1, 100).default(DEFAULTS.labels.perComparison),
  /** If absent, people label. */
  labelers: labelers.optional(),
  /** From the opening of a questionnaire. If absent, the campaign waits for all labels. */
  deadline: duration().optional(),
  /** Comparisons to train on that must have a label at the deadline. */
  minimum: whole(1, 1_000_000).default(DEFAULTS.labels.minimum),
};

const bootstrapLabels = section("comparisons, sample, audit, perComparison, labelers, deadline, minimum", {
  /** Comparisons of answers of π_0. */
  comparisons: whole(1, 10_000_000),
  sample: section("samples, maxTokens, topK, topP, minP, stop", sampling(DEFAULTS.bootstrapLabels)).prefault(
    {},
  ),
  ...labeling,
});

const bootstrap = section("sft, labels, preferences, reward, preferenceModel", {
  sft: section("data and optimizer settings", {
    data: sftData,
    /** Loss on the answer only. */
    promptMask: flag().default(DEFAULTS.sft.promptMask),
    /** Loss on the assistant's turns only. The chat template must mark them ({% generation %}). */
    assistantOnly: flag().default(DEFAULTS.sft.assistantOnly),
    ...optimizer(DEFAULTS.sft),
    ...truncation,
  }).optional(),
  /** The pairs that a reward model learns from: labels on answers of π_0, or a file of pairs. */
  labels: bootstrapLabels.optional(),
  preferences: preferences.optional(),
  reward: section("margin, centering and optimizer settings", {
    /** The chosen answer's reward should be larger by the row's `margin`. */
    margin: flag().default(DEFAULTS.reward.margin),
    /** Weight of the squared sum of a pair's rewards in the loss; keeps rewards near 0. */
    centering: real(0, 1000).default(DEFAULTS.reward.centering),
    ...optimizer(DEFAULTS.reward),
  }).optional(),
  /** Train the pairwise preference model for `score.reward: preference-model`. */
  preferenceModel: section("optimizer settings", optimizer(DEFAULTS.preferenceModel.optimizer)).optional(),
});

/** Labels on the current policy's answers. */
const labels = section(
  "perIteration, choose, audit, perComparison, labelers, deadline, minimum, use, refit",
  {
    perIteration: whole(1, 1_000_000),
    choose: oneOf("best-against-rest", "uncertain", "random").default(DEFAULTS.labels.choose),
    ...labeling,
    /** `pairs`: train the policy on them. `reward`: train the reward model on with them. */
    use: list(oneOf("pairs", "reward"), "pairs and reward")
      .min(1, { error: "a list of pairs, reward or both" })
      .default(["pairs"]),
    refit: section("replay and optimizer settings", {
      /** Old pairs for each new one. */
      replay: real(0, 1000).default(DEFAULTS.refit.replay),
      ...optimizer(DEFAULTS.refit),
    }).optional(),
  },
);

const letter = text(/\S/, "a text of one token");

/** A language model that reads a prompt with two answers and names the better one. */
const preferenceModel = section("path or hub, template, letters", {
  /** A checkpoint. If absent, bootstrap.preferenceModel trains one from the policy. */
  ...modelSource,
  template: text(
    /^(?=[^]*\{context\})(?=[^]*\{a\})(?=[^]*\{b\})/,
    "a text with {context}, {a} and {b} in it",
  ).default(DEFAULTS.preferenceModel.template),
  letters: z
    .tuple([letter, letter], { error: "two texts of one token each" })
    .default([...DEFAULTS.preferenceModel.letters]),
})
  .superRefine(atMostOneSource("path", "hub"))
  .prefault({});

export const SPEC_LIMITS = { baselines: 8 };

const baseline = section("name, pairs, count, learningRate", {
  name: text(BASELINE_NAME, "a name of lower-case letters, digits and -, at most 31 characters"),
  pairs: oneOf("labels", "preferences", "initial-policy"),
  /** Pairs that it trains on. Defaults to iterations × pair.limit. */
  count: whole(1, 100_000_000).optional(),
  /** Defaults to the learning rate of `train`. */
  learningRate: above(0, 1).optional(),
});

const confidence = z.union([z.literal(0), below(0.5, 1)], { error: "0, or a number from 0.5 to below 1" });

export const specSchema = section("name, policy, prompts and further sections", {
  /** For editors; Ratchet ignores it. */
  $schema: z.string({ error: "an address" }).optional(),
  name: text(CAMPAIGN_ID, "a name of lower-case letters, digits, dot, - and _, at most 63 characters"),
  seed: whole(0, 2 ** 32 - 1).default(DEFAULTS.seed),
  policy,
  prompts,
  bootstrap: bootstrap.prefault({}),
  /** Limited, because the campaign workflow's state holds each. */
  baselines: list(baseline, "{name, pairs, count, learningRate}")
    .max(SPEC_LIMITS.baselines, { error: `a list of at most ${SPEC_LIMITS.baselines} baselines` })
    .default([]),
  iterations: whole(1, ITERATIONS_MAX).default(DEFAULTS.iterations),
  generate: section(
    "samples, maxTokens, topK, topP, minP, stop, piece, shard, wave, poison, runtime, queue",
    {
      ...sampling(DEFAULTS.generate),
      /** Prompts per piece, the unit of batching and of commit. */
      piece: whole(1, 4096).default(DEFAULTS.pieces.piece),
      /** Pieces per shard, which is one activity. */
      shard: whole(1, 4096).default(DEFAULTS.pieces.shard),
      /** Shards that run at the same time. */
      wave: whole(1, 1000).default(DEFAULTS.pieces.wave),
      /** For a piece that crashes its process three times: fail the campaign, or drop the piece. */
      poison: oneOf("fail", "drop").default(DEFAULTS.pieces.poison),
      /** What generates. Each worker says in its own file how (docs/runtimes.md). */
      runtime: oneOf(...RUNTIME_NAMES).default(DEFAULTS.runtime),
      queue,
    },
  ).prefault({}),
  score: section("reward, preferenceModel, queue", {
    reward: z
      .union([z.literal("model"), z.literal("preference-model"), z.literal("none"), moduleSource], {
        error: "model, preference-model, none, or a section with module",
      })
      .default("model"),
    preferenceModel,
    queue,
  }).prefault({}),
  /** Pairs are made of labels in place of scores. */
  labels: labels.optional(),
  pair: section("strategy, lengthPenalty, dropTruncated, missingEosPenalty, limit", {
    strategy: oneOf("max-min", "max-random", "max-max", "random").default(DEFAULTS.pair.strategy),
    lengthPenalty: section("per and weight", {
      per: oneOf("token", "character").default(DEFAULTS.pair.lengthPenalty.per),
      weight: real(0, 1_000_000).default(DEFAULTS.pair.lengthPenalty.weight),
    }).prefault({}),
    dropTruncated: flag().default(DEFAULTS.pair.dropTruncated),
    missingEosPenalty: real(0, 1_000_000).default(DEFAULTS.pair.missingEosPenalty),
    limit: whole(0, 10_000_000).default(DEFAULTS.pair.limit),
  }).prefault({}),
  train: section("loss, beta, ldAlpha, reference, lora, optimizer settings, checkpoint, queue", {
    loss: lossField.default(DEFAULTS.train.loss),
    beta: above(0, 1000).default(DEFAULTS.train.beta),
    /** Weight of tokens beyond the length of the pair's shorter answer (LD-DPO). */
    ldAlpha: real(0, 1).default(DEFAULTS.train.ldAlpha),
    reference: oneOf("initial", "previous").default(DEFAULTS.train.reference),
    /** Train an adapter only. If absent, all weights are trained. */
    lora: section("rank, alpha, targets", {
      rank: whole(1, 4096).default(DEFAULTS.lora.rank),
      alpha: above(0, 65_536).default(DEFAULTS.lora.alpha),
      targets: list(oneOf(...DEFAULTS.lora.targets), `projections (${DEFAULTS.lora.targets.join(", ")})`)
        .min(1, { error: "a list of at least one projection" })
        .default([...DEFAULTS.lora.targets]),
    }).optional(),
    ...optimizer(DEFAULTS.train),
    ...truncation,
    checkpoint: section("everySteps and everySeconds", {
      everySteps: whole(1, 1_000_000).default(DEFAULTS.checkpoint.everySteps),
      everySeconds: whole(1, 86_400).default(DEFAULTS.checkpoint.everySeconds),
    }).prefault({}),
    queue,
  }).prefault({}),
  evaluate: section("samples, temperature, resamples, judge, gold, queue, queues", {
    samples: whole(1, 1024).default(DEFAULTS.evaluate.samples),
    temperature: real(0, 10).default(DEFAULTS.evaluate.temperature),
    resamples: whole(100, 1_000_000).default(DEFAULTS.evaluate.resamples),
    /**
     * Held out: compares latest with promoted, and both with the reference answers. Pairing never uses it.
     */
    judge: moduleSource.optional(),
    /**
     * The true reward of a simulated task; only labelers, simulated judges and the test report may read it.
     */
    gold: moduleSource.optional(),
    /** Of judge, evaluate and promote. */
    queue,
    /** Defaults: `answer` runs where generate does, `reference` where score does. */
    queues: section("answer and reference", {
      answer: queueName.optional(),
      reference: queueName.optional(),
    }).prefault({}),
  }).prefault({}),
  promote: section("by, threshold, confidence, alsoAgainst", {
    by: oneOf("length-controlled", "raw").default(DEFAULTS.promote.by),
    threshold: real(0, 1).default(DEFAULTS.promote.threshold),
    /** Of the win rate's lower bound, which has to be above the threshold; 0: the win rate itself decides. */
    confidence: confidence.default(DEFAULTS.promote.confidence),
    /** Policies promoted earlier that are compared with too, for the report. */
    alsoAgainst: whole(0, EARLIER_MAX).default(DEFAULTS.promote.alsoAgainst),
  }).prefault({}),
});

/** As people write it: settings with a default are optional. */
export type WrittenSpec = z.input<typeof specSchema>;
/** With defaults. Paths are as written, relative to the spec file. */
export type ResolvedSpec = z.output<typeof specSchema>;
export type ModuleSource = z.output<typeof moduleSource>;
export type ResolvedOptimizer = Pick<
  ResolvedSpec["train"],
  keyof OptimizerDefaults | "microBatch" | "maxLength"
>;

/** Types a TypeScript spec: `export default defineCampaign({...})`. */
export const defineCampaign = (spec: WrittenSpec): WrittenSpec => spec;

/** JSON Schema (2020-12) of a written spec, for editors. */
export function specJsonSchema(): Record<string, unknown> {
  return {
    title: "Ratchet campaign",
    ...z.toJSONSchema(specSchema, { io: "input", override: dropDefaultsOfSections }),
  };
}

/** `default: {}` of a section is of no use to an editor, because its fields have their own defaults. */
function dropDefaultsOfSections({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  if (jsonSchema["type"] === "object" && JSON.stringify(jsonSchema["default"]) === "{}")
    delete jsonSchema["default"];
}
