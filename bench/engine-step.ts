// Speed of training steps on the demo's shapes (width 128, 3 layers, SwiGLU 336, 75 words): tokens per second on 1 and 2 threads.
//   node dist/bench/engine-step.js [--threads 1,2] [--seconds 10]
// A row of output: work, threads, steps timed, ms per step (median), tokens/s without padding, seconds that the demo's whole stage takes.
import { parseArgs } from "node:util";
import { initCheckpoint, rewardModelFrom } from "../engine/model/index.ts";
import type { ModelConfig, Sequence } from "../engine/model/index.ts";
import type { OptimizerSettings } from "../engine/optim/index.ts";
import { Random } from "../engine/random.ts";
import { train } from "../engine/train/index.ts";
import type { TrainRow, TrainTask } from "../engine/train/index.ts";

const config: ModelConfig = {
  architecture: "LlamaForCausalLM",
  vocabSize: 75,
  hiddenSize: 128,
  intermediateSize: 336,
  layers: 3,
  heads: 4,
  kvHeads: 4,
  headSize: 32,
  maxPositions: 128,
  ropeTheta: 10000,
  rmsEpsilon: 1e-5,
  tiedEmbeddings: true,
  eosIds: [3],
};
const seed = "0123456789abcdef";
const random = new Random(seed);
let drawn = 0;
const between = (low: number, high: number): number => low + Math.floor(random.uniform(drawn++) * (high - low + 1));

/** A prompt of 9 to 19 tokens and an answer of 6 to 38, as long as the shop's are on average. */
function sequence(promptLength = between(9, 19)): Sequence {
  return { ids: Array.from({ length: promptLength + between(6, 38) }, () => between(4, 74)), promptLength };
}

function pair(): TrainRow {
  const promptLength = between(9, 19);
  return { chosen: sequence(promptLength), rejected: sequence(promptLength) };
}

interface Work {
  name: string;
  task: TrainTask;
  rows: TrainRow[];
  batch: number;
  epochs: number;
}

const works: Work[] = [
  { name: "sft 24,000 rows, batch 16", task: { kind: "sft", promptMask: true }, rows: Array.from({ length: 24000 }, () => sequence()), batch: 16, epochs: 1 },
  { name: "reward 4,000 pairs x 2, batch 32", task: { kind: "reward" }, rows: Array.from({ length: 4000 }, pair), batch: 32, epochs: 2 },
  { name: "dpo 256 pairs x 2, batch 16", task: { kind: "dpo", beta: 0.1 }, rows: Array.from({ length: 256 }, pair), batch: 16, epochs: 2 },
];

async function measure(work: Work, threads: number, seconds: number): Promise<string> {
  const policy = initCheckpoint(config, seed);
  const optimizer: OptimizerSettings = { learningRate: 1e-3, betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0.01, clip: 1, schedule: "cosine", warmup: 0.03, epochs: work.epochs, batch: work.batch, seed, maxLength: 96 };
  const stop = new AbortController();
  const times: number[] = [];
  let tokens = 0;
  let steps = 0;
  const begun = performance.now();
  let firstStep = 0;
  let last = 0;
  const finished = train({
    task: work.task,
    start: work.task.kind === "reward" ? rewardModelFrom(policy, seed) : policy,
    reference: policy,
    rows: work.rows,
    optimizer,
    threads,
    signal: stop.signal,
    onStep: (progress) => {
      const now = performance.now();
      steps = progress.steps;
      if (progress.step === 1) firstStep = now;
      else {
        times.push(now - last);
        tokens += progress.tokens;
      }
      last = now;
      if (now - begun > seconds * 1000) stop.abort();
    },
  });
  await finished.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  const spent = last - firstStep;
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
  const whole = (firstStep - begun + (spent / times.length) * (steps - 1)) / 1000;
  return `${work.name}  threads ${threads}  steps ${times.length}  ${median.toFixed(2)} ms  ${Math.round(tokens / (spent / 1000))} tok/s  whole stage ${whole.toFixed(1)} s (start ${(firstStep - begun).toFixed(0)} ms)`;
}

const { values } = parseArgs({ options: { threads: { type: "string", default: "1,2" }, seconds: { type: "string", default: "10" }, only: { type: "string", default: "" } } });
for (const work of works.filter(({ name }) => name.includes(values.only))) {
  for (const threads of values.threads.split(",").map(Number)) console.log(await measure(work, threads, Number(values.seconds)));
}
