// Runs chaos campaigns one after the other. A campaign that does not hold, and one that chaos itself could
// not run, becomes a row with its problems and the command that runs it again; then the next one starts.
import type { CampaignResult } from "./campaign.ts";
import { pairName } from "./pairs.ts";
import type { Pair, StoreKind } from "./pairs.ts";
import type { Plan } from "./plan.ts";
import type { Results, Row } from "./results.ts";
import { summarize } from "./summary.ts";

/** A pair that has not landed after this many tries counts as unmet. */
const TRIES = 6;
/** After so many campaigns in a row that chaos could not run, the next ones would not run either. */
const GIVE_UP_AFTER = 3;

export interface ChaosRun {
  seed: number;
  store: StoreKind;
  plan: Plan;
  results: Results;
  /** Faults that have to land. */
  wanted: number;
  /** Run until every pair of the plan has landed, too. */
  everyPair: boolean;
  /** Stop at the first campaign that does not hold. */
  bail: boolean;
  campaign(index: number, pairs: readonly Pair[]): Promise<CampaignResult>;
  /** Called after each campaign. */
  report(row: Row): void;
}

export async function runCampaigns(run: ChaosRun): Promise<void> {
  const { plan, results, seed, store } = run;
  const planned = planName(plan);
  let notRun = 0;
  for (let index = 0; !isEnough(run) && notRun < GIVE_UP_AFTER; index += 1) {
    if (results.has(seed, store, planned, index)) continue;
    const { faults } = await runCampaign(run, index, plan.next(index, pairsToTry(run)));
    notRun = faults.length === 0 ? notRun + 1 : 0;
  }
}

export async function runCampaign(run: ChaosRun, index: number, pairs: readonly Pair[]): Promise<Row> {
  const { seed, store, plan, results } = run;
  const result = await run.campaign(index, pairs).catch((error: unknown): CampaignResult => {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      seed,
      store,
      index,
      faults: [],
      seconds: 0,
      problems: [`chaos could not run the campaign: ${why}`],
      lost: 0,
      doubled: 0,
      digestEqual: false,
      recomputed: { pieces: 0, steps: 0 },
    };
  });
  const row = results.add(result, planName(plan), plan.replay(index, pairs));
  run.report(row);
  return row;
}

const planName = (plan: Plan): string => plan.narrowed.join(" ") || "all";

function isEnough(run: ChaosRun): boolean {
  const { faults, problems } = summarize(run.results.rows);
  if (run.bail && problems.length > 0) return true;
  return faults.total >= run.wanted && !(run.everyPair && pairsToTry(run).length > 0);
}

/** Pairs of this store that have not landed in fewer than TRIES tries. */
function pairsToTry({ results, plan, store }: ChaosRun): Pair[] {
  const tried = results.rows.filter((row) => row.store === store).flatMap(({ faults }) => faults);
  return plan.pairs.filter((pair) => {
    const own = tried.filter((fault) => pairName(fault) === pairName(pair));
    return own.length < TRIES && !own.some(({ landed }) => landed);
  });
}
