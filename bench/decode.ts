// Speed of generation and scoring on random weights: fixed lengths at several batch sizes, sampling as campaigns do it (64 prompts × 8
// in pieces of 16 prompts, rows end at their EOS), and the log-probabilities of 4,096 completions.
//   node dist/bench/decode.js [--model demo|story] [--only TEXT] [--threads 1] [--repeats 5] [--against DIST]
// Tokens per second of wall time, and of processor time of the whole process: on a shared machine only the second says anything.
// --against names a copy of another build's dist; its work runs in the same process, repeats alternate, and the medians' ratio is told.
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { DecodeRow, DecodeSettings } from "../engine/decode/decoder.ts";
import { Decoder } from "../engine/decode/decoder.ts";
import type { ModelConfig, Sequence } from "../engine/model/index.ts";
import { initCheckpoint } from "../engine/model/index.ts";
import { Random } from "../engine/random.ts";
import { SequenceScorer } from "../engine/score/scorer.ts";
import { loadWeights } from "../engine/score/weights.ts";

const demo: ModelConfig = {
  architecture: "LlamaForCausalLM",
  vocabSize: 75,
  hiddenSize: 128,
  intermediateSize: 336,
  layers: 3,
  heads: 4,
  kvHeads: 4,
  headSize: 32,
  maxPositions: 256,
  ropeTheta: 10000,
  rmsEpsilon: 1e-5,
  tiedEmbeddings: true,
  eosIds: [3],
};
/** The demo's, and the shape of a published TinyStories model with grouped heads. */
const models: Record<string, ModelConfig> = { demo, story: { ...demo, vocabSize: 105, intermediateSize: 352, layers: 5, heads: 8, headSize: 16 } };

interface Work {
  name: string;
  settings: DecodeSettings;
  /** To be generated one after the other. */
  batches?: DecodeRow[][];
  /** To be scored. */
  sequences?: Sequence[];
}

function worksFor(config: ModelConfig): Work[] {
  const random = new Random("00000000000000bd");
  let drawn = 0;
  const between = (low: number, high: number): number => low + Math.floor(random.uniform(drawn++) * (high - low + 1));
  const ids = (count: number): number[] => Array.from({ length: count }, () => between(4, config.vocabSize - 1));
  const answers = (count: number, low: number, high: number, each = 8): DecodeRow[] =>
    Array.from({ length: count }, () => ids(between(low, high))).flatMap((promptIds, prompt) =>
      Array.from({ length: each }, (_, i) => ({ promptIds, temperature: 1, seed: (prompt * each + i).toString(16).padStart(16, "0") })),
    );
  const fixed: DecodeSettings = { maxTokens: 128, topK: 0, topP: 1, minP: 0, eosIds: new Set() };
  return [
    { name: "batch 1, 16 + 128 tokens", settings: fixed, batches: [answers(1, 16, 16, 1)] },
    ...[8, 32, 128].map((batch) => ({ name: `batch ${batch}, 16 + 128 tokens`, settings: fixed, batches: [answers(batch / 8, 16, 16)] })),
    { name: "64 prompts x 8, to EOS", settings: { ...fixed, eosIds: new Set(config.eosIds) }, batches: Array.from({ length: 4 }, () => answers(16, 9, 19)) },
    { name: "score 4,096", settings: fixed, sequences: Array.from({ length: 4096 }, () => between(9, 19)).map((promptLength) => ({ ids: ids(promptLength + between(6, 100)), promptLength })) },
  ];
}

/** Does a work and gives its number of tokens. */
type Run = (work: Work) => Promise<number>;

export async function load(config: ModelConfig, threads: number): Promise<Run> {
  const weights = loadWeights(initCheckpoint(config, "0123456789abcdef"));
  const decoder = await Decoder.create(config, weights, { threads, spinning: false });
  const scorer = await SequenceScorer.create(config, { threads, spinning: false });
  return async ({ batches = [], sequences, settings }) => {
    if (sequences) await scorer.tokenLogps(weights, sequences);
    let tokens = 0;
    for (const batch of batches) for (const row of await decoder.generate(batch, settings)) tokens += row.ids.length;
    return tokens + (sequences ?? []).reduce((sum, row) => sum + row.ids.length, 0);
  };
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;

interface Rates {
  wall: number[];
  processor: number[];
}

async function measure(runs: Run[], work: Work, repeats: number): Promise<Rates[]> {
  const rates = runs.map((): Rates => ({ wall: [], processor: [] }));
  // Repeat 0 warms up.
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const [i, run] of runs.entries()) {
      const [startedAt, before] = [performance.now(), process.cpuUsage()];
      const tokens = await run(work);
      const { user, system } = process.cpuUsage(before);
      if (repeat === 0) continue;
      rates[i]!.wall.push((tokens / (performance.now() - startedAt)) * 1e3);
      rates[i]!.processor.push((tokens / (user + system)) * 1e6);
    }
  }
  return rates;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { model: { type: "string", default: "demo" }, only: { type: "string", default: "" }, threads: { type: "string", default: "1" }, repeats: { type: "string", default: "5" }, against: { type: "string" } },
  });
  const config = models[values.model]!;
  const threads = Number(values.threads);
  const runs = [await load(config, threads)];
  if (values.against) {
    const other = (await import(pathToFileURL(resolve(values.against, "bench/decode.js")).href)) as { load: typeof load };
    runs.push(await other.load(config, threads));
  }
  for (const work of worksFor(config).filter(({ name }) => name.includes(values.only))) {
    const [here, other] = await measure(runs, work, Number(values.repeats));
    const rate = ({ wall, processor }: Rates): string => `${Math.round(median(wall))} tok/s, ${Math.round(median(processor))} per processor second`;
    const ratio = (of: keyof Rates): string => (other ? (median(here![of]) / median(other[of])).toFixed(2) : "");
    console.log(`${values.model}, threads ${threads}, ${work.name}: ${rate(here!)}${other ? `; other ${rate(other)}; ratio ${ratio("wall")}, ${ratio("processor")}` : ""}`);
  }
}

if (import.meta.filename === process.argv[1]) await main();
