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
  "label",
  "give",
  "audit",
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
  /** The fault needs a campaign that asks people. */
  needsPeople?: true;
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
  pause: rule(BOTH, ["begin"]),
  "database-lost": rule(BOTH, ANYWHERE),
  "page-kill": rule(BOTH, ANYWHERE),
  "page-stop": rule(BOTH, ANYWHERE),
  "seal-and-label": rule(BOTH, ANYWHERE, {
    meets: ({ type }) => type === "sealLabels",
    first: true,
    needsPeople: true,
  }),
  "deadline-passed": rule(BOTH, ["begin"], {
    meets: ({ type }) => type === "countLabels",
    needsPeople: true,
  }),
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
    stages: ["open", "append", "seal", "pair", "label", "audit", "judge", "evaluate", "promote"],
    because: "it does not use the engine",
  },
  {
    kinds: ["module-kill"],
    stages: except("label", "give", "judge"),
    because: "it calls no module of the author",
  },
  {
    kinds: ["local-disk-full"],
    stages: ["open", "seal", "pair", "append", "label", "audit", "judge", "evaluate", "promote"],
    because: "it writes nothing outside the store",
  },
  {
    kinds: [
      "worker-kill",
      "machine-kill",
      "worker-stop",
      "engine-kill",
      "engine-stop",
      "module-kill",
      "tree-kill",
      "tree-stop",
      "take-over",
      "database-lost",
      "pause",
      "local-disk-full",
    ],
    stages: ["give"],
    because: "the page's server gives labels, with the store alone",
  },
  {
    kinds: ["page-kill", "page-stop"],
    stages: except("give"),
    because: "it does not run in the page's server",
  },
  {
    kinds: ["seal-and-label", "deadline-passed"],
    stages: except("label"),
    because: "a questionnaire is closed by the stage label",
  },
  {
    kinds: ["pause"],
    stages: ["open", "append"],
    because: "a pause cancels stages only",
  },
];

function except(...possible: Stage[]): Stage[] {
  return STAGES.filter((stage) => !possible.includes(stage));
}

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
