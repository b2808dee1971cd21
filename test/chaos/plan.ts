// The faults of a seed's campaigns, in order. Each possible pair of kind and stage comes up once. Then the
// pairs that have not landed are repeated; when all have landed, the list starts again. The same seed gives
// the same faults.
import { Random } from "../../examples/shop/random.ts";
import { KINDS, pairName, possiblePairs, STAGES } from "./pairs.ts";
import type { Kind, Moment, Pair, Stage, StoreKind } from "./pairs.ts";
import type { Labelers } from "./tiny-shop.ts";

export interface Fault {
  kind: Kind;
  stage: Stage;
  moment: Moment;
  /** The fault is applied at the nth moment of this sort in the stage, counted from 1. */
  nth: number;
  /** Delay after the attempt's begin. 0: the attempt waits at its begin until the fault has been applied. */
  delayMs: number;
  /** From 1 to 6: duration or number of requests, depending on the kind. */
  size: number;
  /** Chooses between two variants of a kind, such as a short or a long stop. */
  coin: boolean;
  /**
   * Only a new worker, or a worker on a new machine, reaches this moment: the present one is killed first.
   */
  fresh?: "worker" | "machine";
}

/** How often each moment occurs in each stage of the undisturbed campaign. */
export type Moments = Record<string, number>;
export const momentName = (stage: string, moment: Moment): string => `${stage} ${moment}`;

/** Stages that may end before a delay does: their faults at the begin have no delay. */
const SHORT: readonly Stage[] = [
  "open",
  "append",
  "seal",
  "score",
  "label",
  "give",
  "audit",
  "pair",
  "promote",
];
/** Later moments of a stage are like the third. */
const NTH_MAX = 3;

/** Faults of one campaign. With more, the campaign would hardly ever run undisturbed. */
const PER_CAMPAIGN = 4;
/** Fewer when pairs are repeated, because each fault waits until the log shows the fault before it. */
const PER_CAMPAIGN_AGAIN = 2;
/** These change the owner of the campaign or close its questionnaire, so they come last in their campaign. */
const LAST: readonly Kind[] = ["deadline-passed", "seal-and-label", "take-over"];

export interface PlanOptions {
  seed: number;
  store: StoreKind;
  /** Restrict the run to these kinds and stages; absent: all. */
  kinds?: readonly Kind[];
  stages?: readonly Stage[];
}

export class Plan {
  readonly pairs: readonly Pair[];
  /** The flags --kinds and --stages, as given. */
  readonly narrowed: readonly string[];
  private readonly seed: number;
  private readonly store: StoreKind;

  constructor({ seed, store, kinds, stages }: PlanOptions) {
    this.seed = seed;
    this.store = store;
    this.narrowed = [
      ...(kinds ? ["--kinds", kinds.join(",")] : []),
      ...(stages ? ["--stages", stages.join(",")] : []),
    ];
    this.pairs = possiblePairs(store).filter(
      ({ kind, stage }) => (kinds?.includes(kind) ?? true) && (stages?.includes(stage) ?? true),
    );
    if (this.pairs.length === 0)
      throw new Error(`no fault of these kinds is possible in these stages on ${store}`);
  }

  /** Number of campaigns in which every pair comes up once. */
  get round(): number {
    return Math.ceil(this.pairs.length / PER_CAMPAIGN);
  }

  /**
   * The pairs of campaign `index`: from the seed's list in the first round, then from `unmet` while there are
   * such pairs.
   */
  next(index: number, unmet: readonly Pair[]): readonly Pair[] {
    if (index < this.round || unmet.length === 0) return this.listed(index);
    return this.random(`again ${index}`)
      .shuffled([...unmet])
      .slice(0, PER_CAMPAIGN_AGAIN);
  }

  /** The pairs of campaign `index` in the seed's list. */
  listed(index: number): readonly Pair[] {
    const at = (index % this.round) * PER_CAMPAIGN;
    return this.random(`round ${Math.floor(index / this.round)}`)
      .shuffled([...this.pairs])
      .slice(at, at + PER_CAMPAIGN);
  }

  /** Who labels in campaign `index`: only some faults need somebody. */
  labelers(index: number, pairs: readonly Pair[]): Labelers {
    if (pairs.some(({ kind, stage }) => stage === "give" || KINDS[kind].needsPeople)) return "people";
    if (!pairs.some(({ stage }) => stage === "label" || stage === "audit")) return "nobody";
    const all: Labelers[] = ["module", "nobody", "people"];
    const needsModule = pairs.some(({ kind, stage }) => kind === "module-kill" && stage === "label");
    return this.random(`labelers ${index}`).pick(needsModule ? all.slice(0, 2) : all);
  }

  /** Who labels in the campaigns of the first round. */
  get labelersListed(): Labelers[] {
    const indexes = Array.from({ length: this.round }, (_, index) => index);
    return [...new Set(indexes.map((index) => this.labelers(index, this.listed(index))))];
  }

  /**
   * The faults of campaign `index` in the order of the stages: a function of the seed, the index and the
   * pairs.
   */
  faults(index: number, pairs: readonly Pair[], moments: Moments): Fault[] {
    const random = this.random(`campaign ${index}`);
    return pairs.map((pair) => drawn(random, pair, moments)).sort((one, other) => rank(one) - rank(other));
  }

  /** The command that runs this campaign again. */
  replay(index: number, pairs: readonly Pair[]): string {
    const [given, listed] = [pairs, this.listed(index)].map((each) => each.map(pairName).join(",")) as [
      string,
      string,
    ];
    return [
      "npm run chaos -- --seed",
      this.seed,
      "--store",
      this.store,
      ...this.narrowed,
      "--campaign",
      index,
      ...(given === listed ? [] : ["--pairs", given]),
    ].join(" ");
  }

  private random(what: string): Random {
    return new Random(`chaos ${this.seed} ${this.store} ${what}`);
  }
}

const rank = ({ kind, stage }: Fault): number =>
  STAGES.indexOf(stage) + (LAST.includes(kind) ? STAGES.length : 0);

function drawn(random: Random, { kind, stage }: Pair, moments: Moments): Fault {
  const { moments: possible, first, newMachineIn } = KINDS[kind];
  const times = (moment: Moment): number => moments[momentName(stage, moment)] ?? 0;
  const met = possible.filter((moment) => times(moment) > 0);
  const moment = random.pick(met.length > 0 ? met : possible);
  const newMachine = newMachineIn?.includes(stage) ?? false;
  return {
    kind,
    stage,
    moment,
    nth: first ? 1 : 1 + Math.floor(random.next() * Math.min(Math.max(times(moment), 1), NTH_MAX)),
    // A new machine downloads its models at once: a delay would come after the only writes.
    delayMs: SHORT.includes(stage) || newMachine || random.chance(0.3) ? 0 : Math.floor(random.next() * 300),
    size: 1 + Math.floor(random.next() * 6),
    coin: random.chance(0.5),
    fresh: newMachine ? "machine" : met.length === 0 ? "worker" : undefined,
  };
}
