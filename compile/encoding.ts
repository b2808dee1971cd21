// Encodes the rows of the campaign as the run will: a row that the tokenizer or the chat template refuses
// ends the check and not the run.
import { RatchetError } from "../errors/index.ts";
import { letterRows } from "../campaign/recipe/preference-model.ts";
import type { PromptRow } from "../campaign/recipe/rows.ts";
import type { Optimizer } from "../campaign/spec/compiled.ts";
import { policyTask } from "../campaign/spec/losses.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import type { Encoder, PromptLength, RowUse, TrainTask, TrainText } from "../runtimes/encoder/index.ts";
import { errorAt, placeOf } from "./places.ts";
import type { Data } from "./rows.ts";
import { sampleOf } from "./sample.ts";
import { bootstrapTrainings, settings } from "./settings.ts";

/** Rows of one source that were encoded; fewer than all in a sample. */
export interface EncodedSource {
  source: string;
  rows: number;
  encoded: number;
}

/** Rows of one training, and how many of them it will use, cut and leave out. */
export interface EncodedTraining extends EncodedSource {
  training: "sft" | "reward" | "preference-model" | "baseline";
  use: RowUse;
}

/** Tokens of each prompt that was encoded. */
export async function encodePrompts(
  encoder: Encoder,
  rows: readonly PromptRow[],
): Promise<{ lengths: Map<PromptRow, PromptLength>; sources: EncodedSource[] }> {
  const sampled = sampleOf(rows.map((row) => JSON.stringify(row).length)).map((index) => rows[index]!);
  const faults = new Faults();
  const lengths = new Map<PromptRow, PromptLength>();
  let at = 0;
  for await (const outcome of encoder.encode("prompts", {}, sampled, (i) => placeOf(sampled[i]!).text)) {
    if (faults.enough) break;
    const row = sampled[at++]!;
    if ("error" in outcome) faults.add(outcome.error, row);
    else if (outcome.value.tokens === 0)
      faults.add(new RatchetError("prompt_invalid", "the prompt has no token"), row);
    else lengths.set(row, outcome.value);
  }
  faults.refuse();
  const file = rows[0] ? placeOf(rows[0]).file : "";
  return { lengths, sources: [{ source: file, rows: rows.length, encoded: sampled.length }] };
}

/** Throws `rows_empty` if a training would have no row. */
export async function encodeTrainings(
  encoder: Encoder,
  spec: ResolvedSpec,
  data: Data,
  config: ModelConfig,
): Promise<EncodedTraining[]> {
  const encoded: EncodedTraining[] = [];
  for (const training of trainingsOf(spec, data, config))
    encoded.push(await encodeTraining(encoder, training));
  return encoded;
}

interface Training {
  training: EncodedTraining["training"];
  task: TrainTask;
  optimizer: Optimizer;
  /** As the run reads them. */
  rows: readonly object[];
  /** In the same order: rows whose place is known. */
  given: readonly object[];
}

/** The trainings whose rows are known before the run. */
function trainingsOf(spec: ResolvedSpec, { sft, preferences }: Data, config: ModelConfig): Training[] {
  const pairs = preferences?.pairs ?? [];
  const trainings = bootstrapTrainings(spec.bootstrap, preferences?.pairs, config);
  const { promptMask, assistantOnly, optimizer } = trainings.sft ?? {};
  const { reward, preferenceModel } = trainings;
  const of = (
    training: Training["training"],
    task: TrainTask,
    used: Optimizer,
    given: readonly object[],
    rows = given,
  ): Training => ({ training, task, optimizer: used, rows, given });
  const found: Training[] = [];
  if (sft) found.push(of("sft", { kind: "sft", promptMask: promptMask!, assistantOnly }, optimizer!, sft));
  if (reward && preferences)
    found.push(of("reward", { kind: "reward", margin: reward.margin }, reward.optimizer, pairs));
  if (preferenceModel && preferences) {
    const letters = letterRows(pairs, spec.score.preferenceModel, String(spec.seed));
    const task = { kind: "sft", promptMask: true } as const;
    found.push(of("preference-model", task, preferenceModel.optimizer, pairs, letters));
  }
  if (preferences && spec.baselines.some((baseline) => baseline.pairs === "preferences"))
    found.push(of("baseline", policyTask(spec.train), settings(spec, config).train.optimizer, pairs));
  return found;
}

async function encodeTraining(
  encoder: Encoder,
  { training, task, optimizer, rows, given }: Training,
): Promise<EncodedTraining> {
  const texts = rows.map((row) => JSON.stringify(row));
  const sampled = sampleOf(texts.map(({ length }) => length));
  const requests = sampled.map((index): TrainText => {
    const { file, line = index + 1 } = placeOf(given[index]!);
    return { file, line, text: texts[index]! };
  });
  const { maxLength, truncation } = optimizer;
  const more = { task, limit: { maxLength, truncation } };
  const placed = (at: number): object => given[sampled[at]!]!;
  const faults = new Faults();
  const use: RowUse = { used: 0, cut: 0, dropped: {} };
  let at = 0;
  for await (const outcome of encoder.encode("training", more, requests, (i) => placeOf(placed(i)).text)) {
    if (faults.enough) break;
    if ("error" in outcome) faults.add(outcome.error, placed(at));
    else add(use, outcome.value);
    at++;
  }
  faults.refuse();
  refuseEmpty(use, sampled.length === rows.length, training, maxLength);
  return { training, source: placeOf(given[0]!).file, rows: rows.length, encoded: sampled.length, use };
}

function add(sum: RowUse, { used, cut, dropped }: RowUse): void {
  sum.used += used;
  sum.cut += cut;
  for (const [reason, count] of Object.entries(dropped))
    sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
}

function refuseEmpty({ used, dropped }: RowUse, all: boolean, training: string, maxLength: number): void {
  if (used > 0 || !all) return;
  const why = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
  throw new RatchetError("rows_empty", `no row is left to train on for ${training} (${why.join(", ")})`, {
    hint: `the longest row allowed has ${maxLength} tokens (maxLength)`,
  });
}

/** Rows with errors after which no further row is encoded. */
const FAULTS_MAX = 20;

/** The first row that cannot be encoded, and the number of the others. */
class Faults {
  private first: { error: Error; row: object } | undefined;
  private count = 0;

  add(error: Error, row: object): void {
    this.first ??= { error, row };
    this.count++;
  }

  get enough(): boolean {
    return this.count >= FAULTS_MAX;
  }

  refuse(): void {
    if (this.first) throw errorAt(this.first.error, placeOf(this.first.row), this.count - 1, this.enough);
  }
}
