// Kinds of fault, stages, and the pairs of them: every pair is possible unless the table says why not.
import type { Attempt } from "./points.ts";

export type StoreKind = "dir" | "s3";

export const STAGES = [
  "open",
  "sft",
  "generate",
  "seal",
  "pair",
  "reward",
  "append",
  "score",
  "train",
  "answer",
  "reference",
  "judge",
  "evaluate",
  "promote",
] as const;
export type Stage = (typeof STAGES)[number];

/**
 * The moment of an attempt at which a fault is applied: some time after its begin, or at an operation of the
 * store.
 */
export type Moment = "begin" | "before-commit" | "after-commit" | "get" | "write";

export interface KindRule {
  stores: readonly StoreKind[];
  moments: readonly Moment[];
  /** Whether the fault can hit this attempt; absent: every attempt. */
  meets?(attempt: Attempt): boolean;
  /** The fault hits the first suitable attempt, because there are few. */
  first?: boolean;
  /** In these stages the fault needs a machine without local files: the present machine is lost first. */
  newMachineIn?: readonly Stage[];
}

const BOTH = ["dir", "s3"] as const;
const ANYWHERE: readonly Moment[] = ["begin", "before-commit", "after-commit"];
const rule = (
  stores: readonly StoreKind[],
  moments: readonly Moment[],
  more: Omit<KindRule, "stores" | "moments"> = {},
): KindRule => ({ stores, moments, ...more });

const TABLE = {
  "worker-kill": rule(BOTH, ANYWHERE),
  "machine-kill": rule(BOTH, ANYWHERE),
  "worker-stop": rule(BOTH, ANYWHERE),
  "engine-kill": rule(BOTH, ANYWHERE),
  "engine-stop": rule(BOTH, ANYWHERE),
  "module-kill": rule(BOTH, ["begin"], { meets: ({ callsModule }) => callsModule, first: true }),
  "server-kill": rule(BOTH, ANYWHERE),
  "server-stop": rule(BOTH, ANYWHERE),
  "server-away": rule(BOTH, ["begin", "before-commit"]),
  "tree-kill": rule(BOTH, ANYWHERE),
  "tree-stop": rule(BOTH, ANYWHERE),
  twice: rule(BOTH, ["begin"]),
  // The worker changes its own clock, so this cannot happen at a request to S3, which only the proxy sees.
  "clock-jump": rule(BOTH, ["begin"]),
  "take-over": rule(BOTH, ANYWHERE),
  "power-loss": rule(["dir"], ANYWHERE),
  "disk-full": rule(["dir"], ["write"]),
  "local-disk-full": rule(BOTH, ["begin"], {
    first: true,
    newMachineIn: ["generate", "score", "answer", "reference"],
  }),
  "s3-kill": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-stop": rule(["s3"], ANYWHERE),
  "s3-away": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-500": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-503": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-409": rule(["s3"], ["before-commit"]),
  "s3-412": rule(["s3"], ["before-commit"]),
  "s3-lost-answer": rule(["s3"], ["before-commit", "write"]),
  "s3-no-answer": rule(["s3"], ["before-commit", "write"]),
  "s3-cut-answer": rule(["s3"], ["get"]),
  "s3-flipped-answer": rule(["s3"], ["get"]),
  "s3-wrong-checksum": rule(["s3"], ["write", "before-commit"]),
} satisfies Record<string, KindRule>;

export type Kind = keyof typeof TABLE;
export const KINDS: Record<Kind, KindRule> = TABLE;
export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export interface Pair {
  kind: Kind;
  stage: Stage;
}

/** Impossible pairs, with the reason. */
export const IMPOSSIBLE: readonly { kinds: readonly Kind[]; stages: readonly Stage[]; because: string }[] = [
  {
    kinds: ["engine-kill", "engine-stop"],
    stages: ["open", "append", "seal", "pair", "judge", "evaluate", "promote"],
    because: "it does not use the engine",
  },
  {
    kinds: ["module-kill"],
    stages: [
      "open",
      "sft",
      "generate",
      "seal",
      "reward",
      "append",
      "score",
      "train",
      "answer",
      "reference",
      "evaluate",
      "promote",
    ],
    because: "it calls no module of the author",
  },
  {
    kinds: ["local-disk-full"],
    stages: ["open", "seal", "pair", "append", "judge", "evaluate", "promote"],
    because: "it writes nothing outside the store",
  },
];

export function possiblePairs(store: StoreKind): Pair[] {
  const kinds = KIND_NAMES.filter((kind) => KINDS[kind].stores.includes(store));
  return kinds.flatMap((kind) =>
    STAGES.filter((stage) => !isImpossible(kind, stage)).map((stage) => ({ kind, stage })),
  );
}

const isImpossible = (kind: Kind, stage: Stage): boolean =>
  IMPOSSIBLE.some(({ kinds, stages }) => kinds.includes(kind) && stages.includes(stage));

export const pairName = ({ kind, stage }: Pair): string => `${kind}:${stage}`;

/** Parses KIND:STAGE of the command line. */
export function pairNamed(name: string): Pair {
  const pair = KIND_NAMES.flatMap((kind) => STAGES.map((stage) => ({ kind, stage }))).find(
    (each) => pairName(each) === name,
  );
  if (!pair) throw new Error(`--pairs: ${JSON.stringify(name)} is not KIND:STAGE`);
  return pair;
}
