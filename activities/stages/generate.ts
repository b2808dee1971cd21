// generate: n completions per prompt from the current policy, to train on. answer: completions that measure a
// policy, on validation and test. A piece is one batch of whole groups.
import { RatchetError } from "../../errors/index.ts";
import type { Rows, Sampling } from "../../campaign/spec/compiled.ts";
import { completionSeed } from "../../campaign/recipe/seeds.ts";
import type { GenerateResult } from "../../campaign/types.ts";
import type { Completion, Generator, Prompt, SampleRequest } from "../../runtimes/types.ts";
import { addressOf, stamp } from "../address.ts";
import { rowsOf } from "../artifacts.ts";
import type { AnswerInput, GenerateInput, PromptSource } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { withModel } from "../models.ts";
import type { Computed, Counts, PieceStage } from "../pieces.ts";

type Context = StageContext<GenerateInput | AnswerInput>;

export async function generateStage(context: StageContext<GenerateInput>): Promise<PieceStage> {
  const { spec, input } = context;
  const stage = await samplingStage(context, promptsFor(context, input.source));
  if (spec.pieces.poison !== "drop") return stage;
  return { ...stage, onCrash: (index) => stage.promptsIn(index).map(({ id }) => id) };
}

/** A measurement needs all prompts, so no piece of it may be dropped. */
export async function answerStage(context: StageContext<AnswerInput>): Promise<PieceStage> {
  const { spec, input } = context;
  const { of } = input;
  const sampled = evaluationSampling(context);
  return of === "opponent"
    ? samplingStage(context, whole(spec.prompts.test, sampled, spec.evaluate.samples))
    : samplingStage(context, whole(spec.prompts[of], sampled));
}

async function samplingStage(
  context: Context,
  { list, from, to, sampling, firstIndex }: PromptRange,
): Promise<PieceStage & { promptsIn(index: number): readonly Prompt[] }> {
  const { spec, deps, input } = context;
  const { policy, stage } = input;
  // Part of all addresses, so that no stage is filled by two engines.
  const runtime = spec.runtimes?.generate;
  const prompts = (await rowsOf<Prompt>(deps.store, list.rows)).slice(from, to);
  const size = spec.pieces.prompts;
  const promptsIn = (index: number): readonly Prompt[] => prompts.slice(index * size, (index + 1) * size);

  return {
    promptsIn,
    pieces: Math.ceil(prompts.length / size),
    inputs: (index) => ({
      policy,
      prompts: promptsIn(index),
      sampling,
      firstIndex,
      seed: spec.seed,
      runtime,
    }),
    sealSettings: runtime && { runtime },
    compute: (index) => sampled(context, promptsIn(index), sampling, firstIndex),
    async seal(pieces, { completions = 0, tokens = 0, truncated = 0 }) {
      const result: GenerateResult = {
        ...stamp(context),
        stage,
        policy,
        prompts: list.rows,
        sampling: addressOf(sampling),
        runtime,
        pieces,
        counts: { prompts: prompts.length, completions, tokens, truncated },
      };
      return { result, values: { completions, tokens } };
    },
  };
}

async function sampled(
  context: Context,
  prompts: readonly Prompt[],
  sampling: Sampling,
  firstIndex: number,
): Promise<Computed<Completion>> {
  const generator = generatorOf(context);
  const requests = prompts.flatMap((prompt) => sampleRequests(context, prompt, sampling, firstIndex));
  const rows = await withModel(context, context.input.policy, (model) =>
    generator.generate(model, requests, sampling, context),
  );
  return { rows, prompts: prompts.length, counts: countCompletions(rows), facts: generator.facts?.() };
}

function generatorOf({ spec, deps: { generator, generators } }: Context): Generator {
  const name = spec.runtimes?.generate;
  if (name === undefined) return generator;
  const found = generators.get(name);
  if (found) return found;
  const known = ["onnx", ...generators.keys()].join(", ");
  throw new RatchetError("runtime_unavailable", `this worker has no runtime ${name}; it has ${known}`, {
    hint:
      `add ${name} to the file of \`ratchet worker --config\` and restart the worker, ` +
      "or start a worker that has it on the same queue",
  });
}

interface PromptRange {
  list: Rows;
  from: number;
  to: number;
  sampling: Sampling;
  /** First sample index of each group; the seeds of its completions follow from it. */
  firstIndex: number;
}

function promptsFor(context: StageContext, source: PromptSource): PromptRange {
  const { spec, input } = context;
  const { prompts, bootstrap } = spec;
  switch (source) {
    case "iteration": {
      if (!("iteration" in input.place))
        throw new RatchetError("unreachable_state", "a baseline has no prompts of one iteration");
      // An extended campaign that has no more prompts uses those of its first iterations again.
      const lists = prompts.iterations.count / prompts.perIteration;
      const from = ((input.place.iteration - 1) % lists) * prompts.perIteration;
      return { ...whole(prompts.iterations, spec.generate), from, to: from + prompts.perIteration };
    }
    case "baseline":
      return whole(prompts.iterations, spec.generate);
    case "bootstrap":
      if (!prompts.bootstrap || !bootstrap.labels)
        throw new RatchetError("unreachable_state", "the spec asks for no labels on answers of π_0");
      return whole(prompts.bootstrap, bootstrap.labels.sample);
  }
}

const whole = (list: Rows, sampling: Sampling, firstIndex = 0): PromptRange => ({
  list,
  from: 0,
  to: list.count,
  sampling,
  firstIndex,
});

/** On validation and test: `evaluate.samples` answers at one temperature, all else as in generate. */
function evaluationSampling({ spec }: StageContext): Sampling {
  const { samples, temperature } = spec.evaluate;
  return { ...spec.generate, samples: [{ temperature, count: samples }] };
}

function sampleRequests(
  { spec, place }: StageContext,
  prompt: Prompt,
  { samples }: Sampling,
  firstIndex = 0,
): SampleRequest[] {
  const temperatures = samples.flatMap(({ temperature, count }) =>
    Array.from({ length: count }, () => temperature),
  );
  return temperatures.map((temperature, offset) => {
    const index = firstIndex + offset;
    return { prompt, index, temperature, seed: completionSeed(spec.seed, place, prompt.id, index) };
  });
}

function countCompletions(rows: Completion[]): Counts {
  return {
    completions: rows.length,
    tokens: rows.reduce((sum, { ids }) => sum + ids.length, 0),
    truncated: rows.filter(({ finish }) => finish === "length").length,
  };
}
