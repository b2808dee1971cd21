// All activities, bound to the dependencies that a worker gives. Control activities write the ledger and seal
// stages; stage activities compute.
import type { Shard } from "../campaign/types.ts";
import type {
  AnswerInput,
  ControlActivities,
  FanOutInput,
  GenerateInput,
  JudgeInput,
  ReferenceInput,
  ScoreInput,
  StageActivities,
} from "./contract.ts";
import type { StageContext } from "./attempt/context.ts";
import { inControl, inStage } from "./attempt/context.ts";
import type { Deps } from "./deps.ts";
import { audit } from "./stages/audit.ts";
import { evaluate } from "./stages/evaluate.ts";
import { answerStage, generateStage } from "./stages/generate.ts";
import { judgeStage } from "./stages/judge.ts";
import { countLabels, label, sealLabels } from "./stages/label.ts";
import { beginFiring } from "./begin-firing.ts";
import { amend, append, open, rollback } from "./open.ts";
import { pair } from "./stages/pair.ts";
import type { PieceStage } from "./pieces.ts";
import { runShard, sealStage } from "./pieces.ts";
import { promote } from "./stages/promote.ts";
import { referenceStage } from "./stages/reference.ts";
import { scoreStage } from "./stages/score.ts";
import { train } from "./stages/train.ts";

export function createControlActivities(deps: Deps): ControlActivities {
  return {
    open: (input) => inControl(() => open(deps, input)),
    append: (input) => inControl(() => append(deps, input)),
    rollback: (input) => inControl(() => rollback(deps, input)),
    beginFiring: (input) => inControl(() => beginFiring(deps, input)),
    amend: (input) => inControl(() => amend(deps, input)),
    seal: (input) => inStage(deps, input, async (context) => sealStage(context, await pieceStage(context))),
    countLabels: (input) => inStage(deps, input, countLabels),
    sealLabels: (input) => inStage(deps, input, sealLabels),
  };
}

export function createStageActivities(deps: Deps): StageActivities {
  const shard = (input: FanOutInput, range: Shard) =>
    inStage(deps, input, async (context) => runShard(context, await pieceStage(context), range));
  return {
    generate: shard,
    answer: shard,
    score: shard,
    reference: shard,
    judge: shard,
    label: (input) => inStage(deps, input, label),
    audit: (input) => inStage(deps, input, audit),
    pair: (input) => inStage(deps, input, pair),
    train: (input) => inStage(deps, input, train),
    evaluate: (input) => inStage(deps, input, evaluate),
    promote: (input) => inStage(deps, input, promote),
  };
}

function pieceStage(context: StageContext<FanOutInput>): Promise<PieceStage> {
  switch (context.input.stage) {
    case "generate":
      return generateStage(context as StageContext<GenerateInput>);
    case "answer":
      return answerStage(context as StageContext<AnswerInput>);
    case "score":
      return scoreStage(context as StageContext<ScoreInput>);
    case "reference":
      return referenceStage(context as StageContext<ReferenceInput>);
    case "judge":
      return judgeStage(context as StageContext<JudgeInput>);
  }
}
