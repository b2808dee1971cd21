// What was measured of a policy on one split, answer by answer.
import { mean } from "../../campaign/recipe/mean.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type {
  Digest,
  EvaluateMetrics,
  EvaluateResult,
  GenerateResult,
  JudgeResult,
  PieceRef,
  ReferenceResult,
  ScoreResult,
  Split,
} from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { FinishedPlace } from "./places.ts";
import { pieceRows } from "./record.ts";

export interface Measured {
  spec: CompiledSpec;
  result: EvaluateResult;
  answers: GenerateResult;
  scores?: ScoreResult | undefined;
  /** Absent for π_0 itself. */
  reference?: ReferenceResult | undefined;
  verdicts?: JudgeResult | undefined;
}

export interface AnswerValue {
  promptId: string;
  value: number;
}

export interface Figure {
  name: "winRate" | "lengthControlled" | "gold" | "proxy" | "length" | "truncated" | "kl";
  of: (metrics: EvaluateMetrics) => number | undefined;
  /** Why the figures of two policies cannot be compared; undefined if they can. */
  incomparable: (a: Measured, b: Measured) => string | undefined;
  /** One of each answer. */
  values: (store: Store, measured: Measured) => Promise<AnswerValue[]>;
}

export async function readMeasured(
  store: Store,
  { place, spec }: { place: FinishedPlace; spec: CompiledSpec },
  split: Split,
): Promise<Measured> {
  const read = async <R>(digest: Digest | undefined): Promise<R | undefined> =>
    digest === undefined ? undefined : store.getJson<R>(digest);
  const result = await store.getJson<EvaluateResult>(place.stages[split] ?? "");
  return {
    spec,
    result,
    answers: await store.getJson<GenerateResult>(result.answers),
    scores: await read<ScoreResult>(result.scores),
    reference: await read<ReferenceResult>(result.reference),
    verdicts: await read<JudgeResult>(result.verdicts),
  };
}

interface AnswerRow {
  promptId: string;
  ids: number[];
  logps: number[];
  finish: string;
}

interface VerdictRow {
  promptId: string;
  gold?: { total: number };
  against: { wins: number }[];
}

/** `key` names what made the figure: two policies are compared by the same one only. */
const sameOf =
  (key: (measured: Measured) => string | undefined, why: string): Figure["incomparable"] =>
  (a, b) => {
    const [first, second] = [key(a), key(b)];
    if (first === undefined || second === undefined) return "only one side has it";
    return first === second ? undefined : why;
  };

const moduleOf = ({ spec }: Measured, name: "gold" | "judge" | "reward"): string | undefined =>
  spec.modules[name]?.digest;

const judgedBy = (measured: Measured): string | undefined => {
  const { verdicts, scores } = measured;
  if (!verdicts) return undefined;
  const judge = moduleOf(measured, verdicts.by) ?? scores?.scorer;
  return [verdicts.theirs, verdicts.by, judge].join(" ");
};

export const FIGURES: readonly Figure[] = [
  {
    name: "winRate",
    of: ({ winRate }) => winRate?.value,
    incomparable: sameOf(judgedBy, "against other reference answers, or by another judge"),
    values: (store, { verdicts }) =>
      valuesOf<VerdictRow>(store, verdicts?.pieces, ({ against }) =>
        against.length === 0 ? undefined : mean(against.map(({ wins }) => wins)),
      ),
  },
  {
    name: "lengthControlled",
    of: ({ lengthControlled }) => lengthControlled?.value,
    incomparable: () => "fitted over all prompts",
    values: async () => [],
  },
  {
    name: "gold",
    of: ({ gold }) => gold,
    incomparable: sameOf((measured) => moduleOf(measured, "gold"), "by another true reward"),
    values: (store, { verdicts }) => valuesOf<VerdictRow>(store, verdicts?.pieces, ({ gold }) => gold?.total),
  },
  {
    name: "proxy",
    of: ({ proxy }) => proxy,
    incomparable: sameOf(({ scores }) => scores?.scorer, "by another reward model or module"),
    values: (store, { scores }) =>
      valuesOf<{ promptId: string; score: number }>(store, scores?.pieces, ({ score }) => score),
  },
  {
    name: "length",
    of: ({ length }) => length,
    incomparable: () => undefined,
    values: (store, { answers }) => valuesOf<AnswerRow>(store, answers.pieces, ({ ids }) => ids.length),
  },
  {
    name: "truncated",
    of: ({ truncated }) => truncated,
    incomparable: () => undefined,
    values: (store, { answers }) =>
      valuesOf<AnswerRow>(store, answers.pieces, ({ finish }) => Number(finish === "length")),
  },
  {
    name: "kl",
    of: ({ kl }) => kl,
    incomparable: sameOf(({ reference, result }) => reference?.model ?? result.policy, "from another π_0"),
    values: divergences,
  },
];

/** Reads one piece after the other. */
async function valuesOf<R extends { promptId: string }>(
  store: Store,
  pieces: readonly PieceRef[] = [],
  of: (row: R) => number | undefined,
): Promise<AnswerValue[]> {
  const values: AnswerValue[] = [];
  for (const piece of pieces)
    for (const row of await pieceRows<R>(store, [piece])) {
      const value = of(row);
      if (value !== undefined) values.push({ promptId: row.promptId, value });
    }
  return values;
}

/** Σ_t log π(a_t) − log π_0(a_t) of each answer; 0 for π_0. The pieces of the two stages are the same. */
async function divergences(store: Store, { answers, reference }: Measured): Promise<AnswerValue[]> {
  if (!reference) return valuesOf<AnswerRow>(store, answers.pieces, () => 0);
  const values: AnswerValue[] = [];
  for (const [index, piece] of answers.pieces.entries()) {
    const logps = await pieceRows<{ logp: number }>(store, reference.pieces.slice(index, index + 1));
    for (const [at, { promptId, logps: own }] of (await pieceRows<AnswerRow>(store, [piece])).entries())
      values.push({ promptId, value: own.reduce((sum, logp) => sum + logp, 0) - logps[at]!.logp });
  }
  return values;
}
