/* oxlint-disable max-lines -- one table, its type and its one reader */
// Which members of a campaign's records hold digests, and what each digest is of. verify, repair, prune, copy
// and erase all read records by this table. The compiler demands an entry for every member of a record's type
// that holds free text, so a new field that names a blob cannot be forgotten. At run time an unknown member
// is taken for the name of a blob (docs/store.md, "What a record names").
import type { CompiledSpec } from "./spec/compiled.ts";
import type { QuestionnaireResult, SealResult } from "./labeling/types.ts";
import type {
  AuditResult,
  CheckpointResult,
  Digest,
  EvaluateResult,
  GenerateResult,
  JudgeResult,
  LedgerEvent,
  PairResult,
  PieceResult,
  PromoteResult,
  ReferenceResult,
  ScoreResult,
  StoredLogps,
  TrainResult,
  Tree,
} from "./types.ts";

/**
 * - `blob`: bytes that name nothing further, such as rows or weights.
 * - `tree`, `result`: JSON that may name more.
 * - `any`: one or the other.
 */
type Kind = "blob" | "tree" | "result" | "any";

/**
 * Who made the blob, so who has to make it again if it is lost.
 * - `itself`: the stage that wrote the record.
 * - `piece`: a piece of the same stage at the same place.
 * - `other`: another stage, or the author of the campaign.
 * - `nobody`: the text names no blob: words, or the digest of settings.
 * - `unknown`: the member is not in the table.
 */
type Maker = "itself" | "piece" | "other" | "nobody" | "unknown";

interface Meaning {
  kind: Kind;
  maker: Maker;
}

/** One digest in a record. */
export interface Name extends Meaning {
  digest: Digest;
  /** Member names from the record down, joined by dots, without the indices of lists. */
  path: string;
}

const NOTHING: Meaning = { kind: "any", maker: "nobody" };
const UNKNOWN: Meaning = { kind: "any", maker: "unknown" };
const made = (kind: Kind): Meaning => ({ kind, maker: "itself" });
const input = (kind: Kind): Meaning => ({ kind, maker: "other" });

/** Paths of all members that hold free text, as in `Name`. */
type TextPath<T, At extends string = ""> = T extends string
  ? string extends T
    ? At
    : never
  : T extends readonly (infer Item)[]
    ? TextPath<Item, At>
    : T extends object
      ? {
          [Member in keyof T & string]-?: TextPath<T[Member], At extends "" ? Member : `${At}.${Member}`>;
        }[keyof T & string]
      : never;

/** Members whose own members are names of stages, roles, lists or queues; `*` stands for any of those. */
type Keyed = "stages" | "modules" | "prompts" | "queues";
type Starred<Path extends string> = Path extends `${infer Head extends Keyed}.${infer Tail}`
  ? Tail extends `${string}.${infer Rest}`
    ? `${Head}.*.${Rest}`
    : `${Head}.*`
  : Path;

type Members<Rec> = Record<Starred<TextPath<Rec>>, Meaning>;

const PIECES = { "pieces.rows": { kind: "blob", maker: "piece" } } as const;

const TRAINED: Members<TrainResult> = {
  place: NOTHING,
  start: input("tree"),
  reference: input("tree"),
  // The result of `pair`; for SFT the rows that the author gave.
  data: input("any"),
  settings: NOTHING,
  policy: made("tree"),
  weights: made("blob"),
  curve: made("blob"),
};

const GENERATED: Members<GenerateResult> = {
  place: NOTHING,
  policy: input("tree"),
  prompts: input("blob"),
  ...nothing("sampling", "runtime"),
  ...PIECES,
  "dropped.prompts": NOTHING,
  "dropped.cause": NOTHING,
};

const LEDGER: Members<LedgerEvent> = {
  specDigest: input("any"),
  "bootstrap.policy": input("tree"),
  "bootstrap.rewardModel": input("tree"),
  "bootstrap.labels": input("result"),
  "bootstrap.preferences": input("result"),
  "bootstrap.opponent": input("result"),
  "bootstrap.opponentScores": input("result"),
  policy: input("tree"),
  rewardModel: input("tree"),
  replay: input("result"),
  "stages.*": input("result"),
  latest: input("tree"),
  promoted: input("tree"),
  ...pointer("restored.latest"),
  ...pointer("restored.promoted"),
  ...pointer("restored.earlier"),
  // Rows that were erased: the records of their erasures take their place.
  blobs: input("blob"),
  prompt: NOTHING,
  manifests: NOTHING,
  ...nothing("short", "labeler"),
  // The specs name what they consist of.
  ...nothing("changes.path", "changes.from", "changes.to"),
  // The labels themselves name their questionnaire.
  ...nothing("labels.place", "labels.questionnaire", "labels.names"),
  ...nothing("sources.hub", "sources.revision", "sources.commit"),
  ...nothing("sources.config", "sources.split", "sources.columns"),
  ...nothing("name", "server", "namespace", "runId", "by", "why", "code", "message", "to"),
};

const SPEC: Members<CompiledSpec> = {
  name: NOTHING,
  "policy.tree": input("tree"),
  "prompts.*.rows": input("blob"),
  "bootstrap.sft.data.rows": input("blob"),
  "bootstrap.preferences.data.rows": input("blob"),
  "bootstrap.labels.sample.stop": NOTHING,
  "baselines.name": NOTHING,
  ...nothing("bootstrap.labels.api", "labels.api"),
  ...nothing("generate.stop", "runtimes.generate"),
  "score.model": input("tree"),
  "score.format.template": NOTHING,
  "score.format.letters": NOTHING,
  ...nothing("ignored.prompts", "ignored.sft", "ignored.preferences"),
  "modules.*.digest": input("blob"),
  "queues.*": NOTHING,
};

/** By record type: the `X` of a schema `ratchet.X/1`; for a result, which has no schema, its stage. */
const RECORDS = {
  ledger: LEDGER,
  spec: SPEC,
  tree: { "files.path": NOTHING, "files.digest": made("blob") } satisfies Members<Tree>,
  piece: {
    place: NOTHING,
    rows: made("blob"),
    "dropped.prompts": NOTHING,
    "dropped.cause": NOTHING,
  } satisfies Members<PieceResult>,
  generate: GENERATED,
  answer: GENERATED,
  score: {
    place: NOTHING,
    completions: input("result"),
    scorer: input("any"),
    ...PIECES,
  } satisfies Members<ScoreResult>,
  // A questionnaire or its seal.
  label: {
    place: NOTHING,
    seed: NOTHING,
    answers: input("result"),
    scores: input("result"),
    comparisons: made("blob"),
    questionnaire: input("result"),
    labels: made("blob"),
    withdrawn: made("blob"),
  } satisfies Members<QuestionnaireResult | SealResult>,
  audit: {
    place: NOTHING,
    seal: input("result"),
    scores: input("result"),
  } satisfies Members<AuditResult>,
  pair: {
    place: NOTHING,
    source: input("any"),
    settings: NOTHING,
    pairs: made("blob"),
    replay: input("result"),
  } satisfies Members<PairResult>,
  sft: TRAINED,
  reward: TRAINED,
  refit: TRAINED,
  train: TRAINED,
  evaluate: {
    place: NOTHING,
    policy: input("tree"),
    answers: input("result"),
    scores: input("result"),
    reference: input("result"),
    verdicts: input("result"),
    refittedScores: input("result"),
    preferences: input("result"),
  } satisfies Members<EvaluateResult>,
  judge: {
    place: NOTHING,
    ours: input("result"),
    theirs: input("result"),
    ...PIECES,
  } satisfies Members<JudgeResult>,
  promote: {
    place: NOTHING,
    candidate: input("tree"),
    incumbent: input("tree"),
    verdicts: input("result"),
    "also.policy": input("tree"),
    "also.verdicts": input("result"),
    reason: NOTHING,
  } satisfies Members<PromoteResult>,
  checkpoint: { tree: made("tree") } satisfies Members<CheckpointResult>,
  reference: {
    place: NOTHING,
    answers: input("result"),
    model: input("tree"),
    ...PIECES,
  } satisfies Members<ReferenceResult>,
  logps: {
    reference: input("tree"),
    rows: input("blob"),
    of: NOTHING,
  } satisfies Members<StoredLogps>,
};

const DIGEST = /^[0-9a-f]{64}$/;

/** Every digest in a record, in its order, whatever member holds it. */
export function namesIn(record: unknown, type = typeOf(record)): Name[] {
  const members = new Map(Object.entries<Meaning>(RECORDS[type as keyof typeof RECORDS] ?? {}));
  const names: Name[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value === "string") {
      if (!DIGEST.test(value)) return;
      const meaning = members.get(path) ?? members.get(path.replace(/^([^.]+)\.[^.]+/, "$1.*")) ?? UNKNOWN;
      names.push({ digest: value, path, ...meaning });
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, path);
    } else if (value !== null && typeof value === "object") {
      for (const [member, item] of Object.entries(value))
        visit(item, path === "" ? member : `${path}.${member}`);
    }
  };
  visit(record, "");
  return names;
}

/** Undefined for a record that this version does not know: all its digests are then of unknown members. */
export function typeOf(record: unknown): string | undefined {
  const { schema, stage, piece } = (record ?? {}) as { schema?: unknown; stage?: unknown; piece?: unknown };
  if (typeof schema === "string") return /^ratchet\.([a-z]+)\//.exec(schema)?.[1];
  if (typeof stage !== "string") return undefined;
  return piece === undefined ? stage : "piece";
}

/** Members of a Pointer. */
function pointer<Path extends string>(path: Path) {
  const [tree, result] = [input("tree"), input("result")];
  return {
    [`${path}.policy`]: tree,
    [`${path}.answers`]: result,
    [`${path}.rewardModel`]: tree,
    [`${path}.replay`]: result,
  } as Record<`${Path}.${"policy" | "answers" | "rewardModel" | "replay"}`, Meaning>;
}

function nothing<Member extends string>(...members: Member[]): Record<Member, Meaning> {
  return Object.fromEntries(members.map((member) => [member, NOTHING])) as Record<Member, Meaning>;
}
