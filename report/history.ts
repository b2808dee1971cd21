// `ratchet history`: every place of a campaign in one table, in the order of the ledger. Usual figures
// fit 110 characters; a column that no place has a figure for is left out. `--csv` has all figures.
import { placeName } from "../campaign/ids.ts";
import type { ApiCost } from "../campaign/labeling/types.ts";
import type { Decision, Digest, EvaluateMetrics, LedgerRow, PromotionEvidence } from "../campaign/types.ts";
import { visibleLine } from "../errors/index.ts";
import type { AuditRow } from "./audit.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT, fixed, interval, judgeName } from "./digits.ts";
import { showClock } from "./duration.ts";
import { eventLine } from "./event-line.ts";
import { costOf, totalCost } from "./place-cost.ts";
import type { CostedWork, PlaceCost } from "./place-cost.ts";

export interface ShownHistory {
  campaign: {
    campaignId: string;
    status: string;
    promoted?: { iteration: number; take: number; policy: Digest } | undefined;
    failure?: { code: string; message: string } | undefined;
  };
  places: ShownPlace[];
  ledger?: readonly Pick<LedgerRow, "event">[];
}

interface ShownPlace {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  /** Absent for baselines. */
  decision?: Decision;
  /** A rollback has left it behind. */
  superseded?: true;
  /** Without a win rate, the policy was promoted unjudged. */
  promotion?: { winRate?: object; evidence?: PromotionEvidence };
  /** Metrics on the validation split, which decisions use. */
  validation?: EvaluateMetrics;
  /** Metrics on the test split, for reports. */
  test?: EvaluateMetrics;
  /** How often the scores agree with the labels of the place's audit part. */
  audit?: AuditRow["audit"];
  api?: ApiCost[];
  work: Record<string, CostedWork>;
}

interface ShownColumn extends Column {
  of: (place: ShownPlace) => Cell;
  /** Of the line with the sums. */
  total?: (cost: PlaceCost) => string;
  show: boolean;
}

const MARK = " ★";

export function formatHistory(history: ShownHistory, look: Look): string {
  const columns = columnsOf(history);
  const total = totalCost(history.places);
  const promoted = promotedPlace(history.campaign);
  const rows = history.places.map((place) =>
    columns.map(({ of }): Cell => {
      const { text, tone = place.place === promoted ? "bold" : undefined } = of(place);
      return { text, tone };
    }),
  );
  const sums = columns.map(({ total: sum }, index): Cell => ({
    text: index === 0 ? "total" : (sum?.(total) ?? ""),
    tone: "dim",
  }));
  return [...headLines(history), formatColumns(columns, [...rows, sums], look)].join("\n");
}

export const promotedPlace = ({ promoted }: ShownHistory["campaign"]): string | undefined =>
  promoted && placeName({ iteration: promoted.iteration, take: promoted.take });

function headLines({ campaign, places, ledger = [] }: ShownHistory): string[] {
  const { campaignId, status, promoted, failure } = campaign;
  const judged = places.findLast(({ test }) => test?.winRate)?.test;
  const which = promoted
    ? `promoted: ${promotedPlace(campaign)}${MARK}, policy ${promoted.policy.slice(0, 12)}`
    : "nothing is promoted yet";
  return [
    `${campaignId} is ${status}; ${which}`,
    ...(failure ? [`${failure.code}: ${failure.message}`] : []),
    ...ledger.flatMap(({ event }) => (event.type === "amended" ? [eventLine(event)] : [])),
    ...(judged ? [`Win rates on the test split by ${judgeName(judged.judgedBy)}:`] : []),
  ].map(visibleLine);
}

function columnsOf({ campaign, places }: ShownHistory): ShownColumn[] {
  const promoted = promotedPlace(campaign);
  const known = (of: (place: ShownPlace) => unknown): boolean =>
    places.some((place) => (of(place) ?? 0) !== 0);
  const judged = known(({ test }) => test?.winRate);
  const columns = [
    left("place", ({ place }) => (place === promoted ? place + MARK : place)),
    { ...left("decision", () => ""), of: decisionCell },
    left("win rate [95 %]", ({ test }) => interval(test?.winRate), judged),
    left("length-controlled", ({ test }) => interval(test?.lengthControlled), judged),
    right("proxy", (place) => fixed(shownMetrics(place)?.proxy, 2), !judged),
    right("audit", ({ audit }) => fixed(audit?.rate?.value, 2), known(audited)),
    right("KL", (place) => fixed(shownMetrics(place)?.kl, 2)),
    cost("time", ({ timeMs }) => showClock(timeMs)),
    cost("work", ({ workMs }) => showClock(workMs)),
    cost("again", ({ againMs }) => showClock(againMs), known(repeated)),
    cost("price", ({ price }) => fixed(price, 2), known(priced)),
  ];
  return columns.filter(({ show }) => show);
}

const left = (title: string, of: (place: ShownPlace) => string, show = true): ShownColumn => ({
  title,
  align: "left",
  of: (place) => ({ text: of(place) }),
  show,
});
const right = (title: string, of: (place: ShownPlace) => string, show?: boolean): ShownColumn => ({
  ...left(title, of, show),
  align: "right",
});
const cost = (title: string, of: (cost: PlaceCost) => string, show?: boolean): ShownColumn => ({
  ...right(title, (place) => of(costOf(place)), show),
  total: of,
});

const audited = ({ audit }: ShownPlace): unknown => audit;
const repeated = (place: ShownPlace): unknown => costOf(place).againMs;
const priced = ({ api }: ShownPlace): unknown => api;
const shownMetrics = ({ test, validation }: ShownPlace): EvaluateMetrics | undefined => test ?? validation;

/** `kept, undecided`: the judge's verdicts show no difference. */
function decisionCell({ decision, superseded, promotion }: ShownPlace): Cell {
  if (superseded) return { text: "superseded", tone: "dim" };
  if (promotion && promotion.winRate === undefined) return { text: "unjudged" };
  const evidence = promotion?.evidence;
  if (decision === "kept") return { text: evidence ? `kept, ${evidence}` : "kept", tone: "bad" };
  return { text: decision ?? ABSENT, tone: decision === "promoted" ? "good" : undefined };
}
