// The pairwise preference model, from its training rows to the pairs and the report that it decides: real
// stages on a memory store, real engine on a model of 100,000 parameters. Without Temporal, because the
// workflow treats it like a reward model.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import type { Deps } from "../../activities/deps.ts";
import type { StageContext } from "../../activities/attempt/context.ts";
import type { FanOutInput } from "../../activities/contract.ts";
import { pair } from "../../activities/stages/pair.ts";
import { runShard, sealStage } from "../../activities/pieces.ts";
import type { PieceStage } from "../../activities/pieces.ts";
import { preferencesOf } from "../../activities/stages/preference-model.ts";
import { resultOf, rowsOf } from "../../activities/artifacts.ts";
import { scoreStage } from "../../activities/stages/score.ts";
import type { Score } from "../../activities/stages/score.ts";
import { train } from "../../activities/stages/train.ts";
import { placeName } from "../../campaign/ids.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import type {
  EvaluateResult,
  GenerateResult,
  PairResult,
  Place,
  ScoreResult,
  Split,
  StageInput,
  StageName,
} from "../../campaign/types.ts";
import { compileSpec } from "../../compile/index.ts";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import { measure } from "../../workflows/measure.ts";
import { directRecipe } from "../support/direct-recipe.ts";
import { openCache, openStore } from "../../store/index.ts";

const WORDS = [
  "<pad>",
  "<bos>",
  "<eos>",
  "A",
  "B",
  "|",
  "say",
  "good",
  "fine",
  "bad",
  ...Array.from({ length: 40 }, (_, i) => `w${i}`),
];
const TOKENIZER = {
  version: "1.0",
  added_tokens: WORDS.slice(0, 3).map((content, id) => ({
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
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    unk_token: "<pad>",
  },
};
const TOKENIZER_CONFIG = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<bos>",
  eos_token: "<eos>",
  pad_token: "<pad>",
  add_bos_token: true,
};

/** First words of answers, best first. */
const QUALITY = ["good", "fine", "bad"];
const answerOf = (quality: number, i: number): string => `${QUALITY[quality]} w${(i * 7) % 40}`;
const PREFERENCES = Array.from({ length: 360 }, (_, i) => {
  const [better, worse] = [
    [0, 1],
    [0, 2],
    [1, 2],
  ][i % 3]!;
  return {
    prompt: `say w${20 + (i % 20)}`,
    chosen: answerOf(better!, i),
    rejected: answerOf(worse!, 3 * i + 1),
  };
});

const SPEC: WrittenSpec = {
  name: "by-preference",
  seed: 3,
  policy: {
    init: {
      tokenizer: "tok",
      model: { hiddenSize: 64, layers: 2, heads: 4, intermediateSize: 128, contextLength: 32 },
    },
  },
  prompts: { file: "prompts.jsonl", perIteration: 4, validation: 3, test: 3 },
  bootstrap: {
    preferences: { file: "pairs.jsonl" },
    preferenceModel: { learningRate: 3e-3, batch: 12, epochs: 8, warmup: 0.1 },
  },
  iterations: 1,
  generate: { samples: [{ temperature: 1, count: 8 }], maxTokens: 4, piece: 2 },
  score: { reward: "preference-model", preferenceModel: { template: "{context} | {a} | {b} | " } },
  evaluate: { samples: 2 },
};

const BOOTSTRAP: Place = { iteration: 0, take: 1 };
const ITERATION: Place = { iteration: 1, take: 1 };
const campaign = { campaignId: "by-preference", specDigest: "", storeName: "memory:" };

let scratch = "";
let deps: Deps;
let spec: StageContext["spec"];
/** Digest of the trained model's tree. */
let preferenceModel = "";
const runtime = createOnnxRuntime({ threads: 2 });

function context<I extends StageInput & { stage: StageName }>(
  own: Omit<I, "campaign" | "epoch">,
): StageContext<I> {
  const input = { campaign, epoch: 1, ...own } as unknown as I;
  const facts = (more = {}) => ({
    ...deps.facts,
    startedAt: "",
    finishedAt: "",
    attempt: 1,
    epoch: 1,
    ...more,
  });
  return {
    deps,
    input,
    spec,
    place: placeName(input.place),
    attempt: 1,
    heartbeat: {},
    previous: undefined,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    modelLoads: () => 0,
    flushHeartbeat: () => undefined,
    resetWatchdog: () => undefined,
    allowSilence: () => undefined,
    madeProgress: () => undefined,
    repairs: new Map(),
    facts,
  };
}

async function fanOut(at: StageContext<FanOutInput>, stage: PieceStage): Promise<string> {
  await runShard(at, stage, { index: 0, from: 0, to: stage.pieces });
  return (await sealStage(at, stage)).digest;
}

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ratchet-preference-"));
  await mkdir(join(scratch, "tok"));
  await writeFile(join(scratch, "tok/tokenizer.json"), JSON.stringify(TOKENIZER));
  await writeFile(join(scratch, "tok/tokenizer_config.json"), JSON.stringify(TOKENIZER_CONFIG));
  await writeFile(
    join(scratch, "prompts.jsonl"),
    formatRows(Array.from({ length: 10 }, (_, i) => ({ prompt: `say w${i}` }))),
  );
  await writeFile(join(scratch, "pairs.jsonl"), formatRows(PREFERENCES));
  const store = await openStore("memory:");
  spec = (await compileSpec(resolveSpec(SPEC), { baseDir: scratch, store })).compiled;
  const { generator, scorer, trainer } = runtime;
  const facts = { host: "", cpu: "", node: "", ratchet: "" };
  const modules = { call: () => assert.fail("no module is named") };
  deps = {
    store,
    cache: openCache({ dir: join(scratch, "cache"), maxBytes: 1e9, store }),
    generator,
    scorer,
    trainer,
    modules,
    apiLabelers: new Map(),
    generators: new Map(),
    server: "",
    namespace: "",
    searchAttributes: false,
    draining: new AbortController().signal,
    facts,
    graceMs: 1_000,
    scratchDir: scratch,
  };

  const pairs = await pair(context({ stage: "pair", place: BOOTSTRAP, from: "file" }));
  const trained = await train(
    context({ stage: "reward", place: BOOTSTRAP, start: spec.policy.tree, pairs: pairs.digest }),
  );
  preferenceModel = trained.policy;
});
after(async () => {
  await runtime.close();
  await rm(scratch, { recursive: true, force: true });
});

it("the workflow trains it in place of a reward model", () => {
  assert.equal(planOf(spec).reward, true);
});

it("prefers the better of two answers that it was not trained on, in either order", async () => {
  const prompt: Prompt = { id: "p", prompt: "say w3" };
  const questions = [
    [0, 1],
    [0, 2],
    [1, 2],
  ].flatMap(([better, worse]) =>
    [4, 9, 15].map((i) => ({ prompt, first: answerOf(better!, i), second: answerOf(worse!, i + 5) })),
  );
  const at = context({ stage: "score", place: ITERATION });
  const preferences = await preferencesOf(at, preferenceModel, questions);
  preferences.forEach((p, i) => assert.ok(p > 0.5, `${JSON.stringify(questions[i])}: ${p}`));
  const mean = preferences.reduce((sum, p) => sum + p, 0) / preferences.length;
  assert.ok(mean > 0.7, `mean ${mean}`);
  const swapped = await preferencesOf(
    at,
    preferenceModel,
    questions.map(({ first, second }) => ({ prompt, first: second, second: first })),
  );
  preferences.forEach((p, i) => assert.ok(Math.abs(p + swapped[i]! - 1) < 1e-9));
});

/** Eight answers per prompt, in a different order for each; one of the two best is truncated. */
async function completions(): Promise<string> {
  const prompts = await rowsOf<Prompt>(deps.store, spec.prompts.iterations.rows);
  const texts = ["fine w1", "good w2", "fine w3", "fine w3", "bad w4", "fine w5", "fine w6", "good w7"];
  const rowsFor = ({ id }: Prompt, turn: number): Completion[] =>
    texts.map((_, index) => {
      const text = texts[(index + turn) % texts.length]!;
      return {
        promptId: id,
        index,
        text,
        ids: [4 + index, 2],
        logps: [-1, -1],
        finish: text === "good w7" ? "length" : "eos",
        temperature: 1,
        seed: "0000000000000000",
      };
    });
  const rows = [prompts.slice(0, 2), prompts.slice(2)].map((group, piece) =>
    group.flatMap((prompt, i) => rowsFor(prompt, 2 * piece + i)),
  );
  const pieces = await Promise.all(
    rows.map(async (piece, index) => ({
      index,
      rows: await deps.store.putBlob(formatRows(piece)),
      prompts: 2,
    })),
  );
  const result: GenerateResult = {
    stage: "generate",
    version: 1,
    place: placeName(ITERATION),
    policy: spec.policy.tree,
    prompts: spec.prompts.iterations.rows,
    sampling: "",
    pieces,
    counts: { prompts: 4, completions: 32, tokens: 64, truncated: 4 },
  };
  const { digest } = await deps.store.commitManifest("campaigns/by-preference/results/made.json", {
    schema: "ratchet.generate/1",
    result,
    facts: {},
  });
  return digest;
}

it("scores by a knockout: a pair is the best and the worst of a group, truncated answers aside", async () => {
  const at = context<FanOutInput & { stage: "score" }>({
    stage: "score",
    of: "iteration",
    place: ITERATION,
    completions: await completions(),
    rewardModel: preferenceModel,
  });
  const stage = await scoreStage(at);
  const scored = await fanOut(at, stage);
  const { pieces } = await resultOf<ScoreResult>(deps.store, scored);
  const scores = (await Promise.all(pieces.map(({ rows }) => rowsOf<Score>(deps.store, rows)))).flat();
  assert.deepEqual(
    scores.filter(({ promptId }) => promptId === scores[0]!.promptId).map(({ score }) => score)[7],
    0,
    "the truncated answer was not compared",
  );

  const { pairs: digest, report } = await resultOf<PairResult>(
    deps.store,
    (await pair(context({ stage: "pair", place: ITERATION, from: "scores", source: scored }))).digest,
  );
  const pairs = await rowsOf<PairRow>(deps.store, digest);
  assert.deepEqual(
    pairs.map(({ chosen, rejected }) => [chosen, rejected]),
    Array.from({ length: 4 }, () => ["good w2", "bad w4"]),
  );
  assert.deepEqual([report.pairs, report.answers], [4, { truncated: 4, identical: 4 }]);
});

it("the test report has its win rate against reference answers; validation has no proxy", async () => {
  const policy = spec.policy.tree;
  const recipe = directRecipe(spec, deps, ITERATION);
  const { digest: opponent } = await recipe.fanOut({ stage: "answer", of: "opponent", policy }, 2);
  const bootstrap = { policy, rewardModel: preferenceModel, opponent };
  const measured = await measure(recipe, planOf(spec), bootstrap, policy, ["validation", "test"]);
  const metricsOf = async (split: Split): Promise<EvaluateResult["metrics"]> =>
    (await resultOf<EvaluateResult>(deps.store, measured[split].metrics)).metrics;
  const { proxy, winRate, judgedBy } = await metricsOf("test");
  assert.equal(judgedBy, "reward");
  assert.ok(
    proxy! > 0 && proxy! < 1 && Math.abs(proxy! - winRate!.value) < 1e-9,
    `${proxy} and ${winRate?.value}`,
  );
  assert.ok(!("proxy" in (await metricsOf("validation"))));
});
