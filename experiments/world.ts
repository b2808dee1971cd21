// The demo's shop without Temporal, one seed per process:
//   node dist/experiments/world.js run --seed 1 [--quick]       the demo's campaign and its table
//   node dist/experiments/world.js tune --seed 101 [--rates …]  each variant at each rate, validation split
//   node dist/experiments/world.js study FILE                   combines `run --json` of several seeds
// A second call resumes from the files in .ratchet/experiments/world/. Stored results: experiments/results/.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { PairRow, PromptRow } from "../campaign/recipe/rows.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import { pairedDifference } from "../campaign/recipe/winrate.ts";
import { resolveSpec } from "../campaign/spec/resolve.ts";
import { shopCampaign } from "../examples/shop/campaign.ts";
import { formatTable, tableJson } from "../report/table.ts";
import type { CampaignTable } from "../report/table.ts";
import type { LocalModel } from "../runtimes/types.ts";
import { stagePolicy } from "../compile/policy.ts";
import { PlainRecipe } from "./plain-recipe.ts";
import type { Arm } from "./plain-recipe.ts";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import { formatSummary, summarise } from "./study.ts";
import type { StudyRun } from "./study.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    threads: { type: "string", default: "1" },
    rates: { type: "string", default: "5e-5,1e-4,2e-4,4e-4" },
    arms: { type: "string", default: "offline,offline-matched,online" },
    /** Overrides of the spec. */
    sft: { type: "string" },
    labels: { type: "string" },
    "reward-epochs": { type: "string" },
    dir: { type: "string", default: ".ratchet/experiments/world" },
  },
});

const runtime = createOnnxRuntime({ threads: Number(values.threads), children: 1 });

interface Bootstrapped {
  recipe: PlainRecipe;
  sft: LocalModel;
  reward: LocalModel;
  preferences: PairRow[];
  /** Share of new pairs that the reward model orders like the true reward. */
  accuracy: number;
  /** All iterations' prompts, iteration 1 first. */
  online: PromptRow[];
}

async function bootstrap(): Promise<Bootstrapped> {
  const seed = Number(values.seed);
  const spec = resolveSpec(shopCampaign({ seed, quick: values.quick }));
  const { sft, reward } = spec.bootstrap;
  if (!sft || !reward) throw new Error("the shop's spec needs SFT and a reward model");
  if (values.sft) sft.data.count = Number(values.sft);
  if (values.labels) spec.prompts.bootstrap = Number(values.labels);
  if (values["reward-epochs"]) reward.epochs = Number(values["reward-epochs"]);
  const dir = join(values.dir, `${seed}-${sft.data.count}-${spec.prompts.bootstrap}-${reward.epochs}`);
  await mkdir(dir, { recursive: true });
  const recipe = new PlainRecipe(spec, runtime, dir);
  const init = join(dir, "init");
  await stagePolicy(spec, "examples/shop", init);
  const policy = await recipe.sft({ digest: "init", dir: init });
  const preferences = await recipe.preferences(policy);
  const model = await recipe.rewardModel(policy, preferences);
  const online = await recipe.promptsOf("online", spec.prompts.perIteration * spec.iterations);
  const accuracy = await recipe.accuracy(policy, model);
  const agreement = `reward model agrees with the true reward on ${accuracy.toFixed(3)} of new pairs`;
  console.error(`seed ${seed}: ${preferences.length} labelled pairs, ${agreement}`);
  return { recipe, sft: policy, reward: model, preferences, accuracy, online };
}

/** The iterations' policies at one learning rate, in order. */
async function online({ recipe, sft, reward, online }: Bootstrapped, rate: number): Promise<LocalModel[]> {
  const { iterations, prompts, pair } = recipe.spec;
  const policies: LocalModel[] = [];
  for (let k = 0; k < iterations; k++) {
    const place = `online-${rate}-${k + 1}`;
    const list = online.slice(k * prompts.perIteration, (k + 1) * prompts.perIteration);
    const start = policies.at(-1) ?? sft;
    policies.push(
      await recipe.dpo(place, start, sft, rate, () =>
        recipe.pairs(`${place}.pairs`, start, reward, list, pair.limit),
      ),
    );
  }
  return policies;
}

async function baseline(
  { recipe, sft, reward, preferences, online }: Bootstrapped,
  name: string,
  rate: number,
): Promise<LocalModel> {
  const limit = recipe.spec.iterations * recipe.spec.pair.limit;
  const pairs = async () =>
    name === "offline"
      ? preferences.slice(0, limit)
      : recipe.pairs("matched.pairs", sft, reward, online, limit);
  return recipe.dpo(`${name}-${rate}`, sft, sft, rate, pairs);
}

type Judged = [name: string, result: Arm, learningRate: number];

async function run(): Promise<void> {
  const began = performance.now();
  const world = await bootstrap();
  const { recipe, sft, reward } = world;
  const list = await recipe.promptsOf("test", recipe.spec.prompts.test);
  const judge = (place: string, policy: LocalModel) =>
    recipe.evaluate(place, "test", list, policy, sft, reward);
  const rateOfSft = recipe.spec.bootstrap.sft?.learningRate ?? 0;
  const variants: Judged[] = [["sft", await judge("sft", sft), rateOfSft]];
  for (const { name, learningRate = recipe.spec.train.learningRate } of recipe.spec.baselines) {
    const policy = await baseline(world, name, learningRate);
    variants.push([name, await judge(`${name}-${learningRate}`, policy), learningRate]);
  }
  const rate = recipe.spec.train.learningRate;
  for (const [k, policy] of (await online(world, rate)).entries())
    variants.push([`iteration-${k + 1}`, await judge(`online-${rate}-${k + 1}`, policy), rate]);
  report(world, variants, (performance.now() - began) / 1000);
}

function report({ recipe, accuracy }: Bootstrapped, variants: Judged[], seconds: number): void {
  const last = variants.at(-1)!;
  const resampling = {
    resamples: recipe.spec.evaluate.resamples,
    seed: deriveSeed(recipe.spec.seed, "difference"),
  };
  const vs = recipe.spec.baselines.map(({ name }) => {
    const { value, low, high } = pairedDifference(
      last[1].shares,
      variants.find(([variant]) => variant === name)![1].shares,
      resampling,
    );
    return [name, { diff: value, low, high }] as const;
  });
  const table: CampaignTable = {
    arms: variants.map(([name, { metrics }, learningRate]) => ({
      name,
      metrics,
      learningRate,
      labels: null,
      pairs: null,
      steps: null,
    })),
    vs: Object.fromEntries(vs),
  };
  console.log(
    values.json
      ? JSON.stringify({
          seed: recipe.spec.seed,
          rewardAccuracy: accuracy,
          ...tableJson(table),
        } satisfies StudyRun)
      : formatTable(table, { color: false }),
  );
  const stages = Object.entries(recipe.seconds).map(([stage, time]) => `${stage} ${time.toFixed(1)}`);
  console.error(`seed ${recipe.spec.seed}: ${seconds.toFixed(0)} s; by stage: ${stages.join(", ")}`);
}

async function tune(): Promise<void> {
  const world = await bootstrap();
  const { recipe, sft, reward } = world;
  const list = await recipe.promptsOf("validation", 300);
  const { seed } = recipe.spec;
  for (const arm of values.arms.split(","))
    for (const rate of values.rates.split(",").map(Number)) {
      const policy =
        arm === "online" ? (await online(world, rate)).at(-1)! : await baseline(world, arm, rate);
      const place = `${arm}-${rate}`;
      const { metrics } = await recipe.evaluate(place, "validation", list, policy, sft, reward);
      const { winRate, gold, proxy, length, truncated, kl } = metrics;
      console.log(JSON.stringify({ seed, arm, rate, winRate, gold, proxy, length, truncated, kl }));
    }
}

async function study(file: string): Promise<void> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  console.log(formatSummary(summarise(lines.map((line): StudyRun => JSON.parse(line)))));
}

try {
  const [mode = "run", file] = positionals;
  if (mode === "study" && file) await study(file);
  else await (mode === "tune" ? tune() : run());
} finally {
  await runtime.close();
}
