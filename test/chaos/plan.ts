// What a seed stands for: the faults of its campaigns, one after the other. Every pair of kind and stage that can meet comes up once before
// any comes up again, several to a campaign; the same seed gives the same list.
import { Random } from "../../examples/shop/random.ts";

export type StoreKind = "dir" | "s3";

export const STAGES = ["open", "sft", "generate", "seal", "pair", "reward", "append", "score", "train", "evaluate", "promote"] as const;
export type Stage = (typeof STAGES)[number];

/** Where in an attempt a fault comes: some time after its beginning, or at an operation of the store. */
export type Moment = "begin" | "before-commit" | "after-commit" | "get" | "write";

interface KindRule {
  stores: readonly StoreKind[];
  stages: readonly Stage[];
  moments: readonly Moment[];
}

const BOTH = ["dir", "s3"] as const;
const ENGINE: readonly Stage[] = ["sft", "reward", "generate", "score", "train", "evaluate"];
const MODULES: readonly Stage[] = ["pair", "evaluate", "promote"];
const ANYWHERE: readonly Moment[] = ["begin", "before-commit", "after-commit"];
const rule = (stores: readonly StoreKind[], moments: readonly Moment[], stages: readonly Stage[] = STAGES): KindRule => ({ stores, stages, moments });

export const KINDS = {
  "worker-kill": rule(BOTH, ANYWHERE),
  "worker-stop": rule(BOTH, ANYWHERE),
  "engine-kill": rule(BOTH, ["begin"], ENGINE),
  "engine-stop": rule(BOTH, ["begin"], ENGINE),
  "module-kill": rule(BOTH, ["begin"], MODULES),
  "server-kill": rule(BOTH, ANYWHERE),
  "server-stop": rule(BOTH, ANYWHERE),
  "tree-kill": rule(BOTH, ANYWHERE),
  "twice": rule(BOTH, ["begin"]),
  "clock-jump": rule(BOTH, ["begin", "before-commit"]),
  "take-over": rule(BOTH, ANYWHERE),
  "power-loss": rule(["dir"], ANYWHERE),
  "disk-full": rule(["dir"], ["write"]),
  "s3-kill": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-stop": rule(["s3"], ANYWHERE),
  "s3-500": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-503": rule(["s3"], ["get", "write", "before-commit"]),
  "s3-409": rule(["s3"], ["before-commit"]),
  "s3-412": rule(["s3"], ["before-commit"]),
  "s3-lost-answer": rule(["s3"], ["before-commit", "write"]),
  "s3-cut-answer": rule(["s3"], ["get"]),
  "s3-flipped-answer": rule(["s3"], ["get"]),
  "s3-wrong-checksum": rule(["s3"], ["write", "before-commit"]),
} as const satisfies Record<string, KindRule>;

export type Kind = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export interface Fault {
  kind: Kind;
  stage: Stage;
  moment: Moment;
  /** Which of the stage's moments of that sort, from 1. */
  nth: number;
  /** After the beginning; 0 = the attempt waits at its beginning until it is done. */
  delayMs: number;
  /** How long it lasts, or how many requests it meets; which, follows from the kind. */
  size: number;
  /** Between the two ways in which some kinds can go. */
  coin: boolean;
}

/** Stages that a campaign of one iteration goes through once: a second beginning of them never comes. */
const ONCE: readonly Stage[] = ["open", "sft", "reward", "train", "promote"];
/** Over before a delay is: faults at their beginning come at once. */
const SHORT: readonly Stage[] = ["open", "append", "seal", "score", "pair", "promote"];
/** Of these, the ones that commit once. */
const COMMIT_ONCE: readonly Stage[] = ["open", "promote"];

/** Faults of one campaign. More would leave it hardly any undisturbed time, and say less about each. */
const PER_CAMPAIGN = 4;
/** These change what runs: the only one of its campaign, or the last. */
const LAST: readonly Kind[] = ["take-over"];

export interface PlanOptions {
  seed: number;
  store: StoreKind;
  /** Only these; all of the store's where absent. */
  kinds?: readonly Kind[];
  stages?: readonly Stage[];
}

/** Campaigns without end: the faults of each, in the order of the stages. */
export function* planOf({ seed, store, kinds = KIND_NAMES, stages = STAGES }: PlanOptions): Generator<Fault[]> {
  const pairs = kinds.flatMap((kind) => {
    const { stores, stages: possible } = KINDS[kind] as KindRule;
    return stores.includes(store) ? possible.filter((stage) => stages.includes(stage)).map((stage) => ({ kind, stage })) : [];
  });
  if (pairs.length === 0) throw new Error(`no fault of these kinds can meet these stages on ${store}`);
  for (let round = 0; ; round += 1) {
    const random = new Random(`chaos ${seed} ${store} ${round}`);
    const shuffled = random.shuffled(pairs);
    while (shuffled.length > 0) {
      const own = shuffled.splice(0, PER_CAMPAIGN);
      const faults = own.map(({ kind, stage }) => drawn(random, kind, stage));
      yield faults.sort((one, other) => rank(one) - rank(other));
    }
  }
}

const rank = ({ kind, stage }: Fault): number => STAGES.indexOf(stage) + (LAST.includes(kind) ? STAGES.length : 0);

function drawn(random: Random, kind: Kind, stage: Stage): Fault {
  const moment = random.pick(KINDS[kind].moments);
  const once = moment === "begin" ? ONCE : COMMIT_ONCE;
  return {
    kind,
    stage,
    moment,
    nth: once.includes(stage) ? 1 : 1 + Math.floor(random.next() * 2),
    delayMs: SHORT.includes(stage) || random.chance(0.3) ? 0 : Math.floor(random.next() * 300),
    size: 1 + Math.floor(random.next() * 6),
    coin: random.chance(0.5),
  };
}
