// What a seed stands for: the faults of its campaigns, one after the other. Every pair of kind and stage that can meet comes up once; then
// those that have not landed yet are tried again, and when all have, everything from the start. The same seed gives the same faults.
import { Random } from "../../examples/shop/random.ts";
import { KINDS, pairName, possiblePairs, STAGES } from "./pairs.ts";
import type { Kind, Moment, Pair, Stage, StoreKind } from "./pairs.ts";

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
  /** A worker that has been running never comes to such a moment: it is killed first, or its machine lost, and the next one does. */
  fresh?: "worker" | "machine";
}

/** How often the undisturbed campaign comes to each moment of each stage. */
export type Moments = Record<string, number>;
export const momentName = (stage: string, moment: Moment): string => `${stage} ${moment}`;

/** Over before a delay is: faults at their beginning come at once. */
const SHORT: readonly Stage[] = ["open", "append", "seal", "score", "pair", "promote"];
/** Later ones are no different. */
const NTH_MAX = 3;

/** Faults of one campaign. More would leave it hardly any undisturbed time, and say less about each. */
const PER_CAMPAIGN = 4;
/** One that is tried again has to share its campaign with fewer: each waits until the one before has shown. */
const PER_CAMPAIGN_AGAIN = 2;
/** These change what runs: the only one of its campaign, or the last. */
const LAST: readonly Kind[] = ["take-over"];

export interface PlanOptions {
  seed: number;
  store: StoreKind;
  /** Only these; all where absent. */
  kinds?: readonly Kind[];
  stages?: readonly Stage[];
}

export class Plan {
  readonly pairs: readonly Pair[];
  /** Flags of a narrowed run; none where everything was asked for. */
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
    if (this.pairs.length === 0) throw new Error(`no fault of these kinds can meet these stages on ${store}`);
  }

  /** Campaigns until every pair has come up once. */
  get round(): number {
    return Math.ceil(this.pairs.length / PER_CAMPAIGN);
  }

  /** What campaign `index` is about: of the seed's own list, or of the pairs that have not landed where that list came to its end once. */
  next(index: number, unmet: readonly Pair[]): readonly Pair[] {
    if (index < this.round || unmet.length === 0) return this.listed(index);
    return this.random(`again ${index}`)
      .shuffled([...unmet])
      .slice(0, PER_CAMPAIGN_AGAIN);
  }

  /** The pairs of campaign `index` of the seed's own list. */
  listed(index: number): readonly Pair[] {
    const at = (index % this.round) * PER_CAMPAIGN;
    return this.random(`round ${Math.floor(index / this.round)}`)
      .shuffled([...this.pairs])
      .slice(at, at + PER_CAMPAIGN);
  }

  /** The faults of campaign `index`, in the order of the stages: they follow from the seed, the index and the pairs. */
  faults(index: number, pairs: readonly Pair[], moments: Moments): Fault[] {
    const random = this.random(`campaign ${index}`);
    return pairs.map((pair) => drawn(random, pair, moments)).sort((one, other) => rank(one) - rank(other));
  }

  /** The command that gives this campaign again. */
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
    // What a new machine fetches first is there before a delay is over.
    delayMs: SHORT.includes(stage) || newMachine || random.chance(0.3) ? 0 : Math.floor(random.next() * 300),
    size: 1 + Math.floor(random.next() * 6),
    coin: random.chance(0.5),
    ...(newMachine ? { fresh: "machine" } : met.length === 0 ? { fresh: "worker" } : {}),
  };
}
