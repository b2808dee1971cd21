// The report's list of decisions by the campaign and by people, with who, when and why.
import { placeName } from "../../campaign/ids.ts";
import { showChange } from "../../campaign/spec/amend.ts";
import type { LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { ABSENT, interval } from "../digits.ts";
import { eventLine } from "../event-line.ts";
import type { ReportPlace, ReportRecord } from "../record.ts";
import { left } from "./columns.ts";
import { shownTime } from "./training.ts";
import type { Section, Table } from "./types.ts";

export function decisionsSection({ campaign, places, ledger, spec }: ReportRecord): Section {
  const judged = places.filter(({ promotion }) => promotion);
  return {
    id: "decisions",
    title: "Decisions",
    text: [
      spec.modules.judge
        ? "The held-out judge compares a new policy with the promoted one on validation answers."
        : "Nobody judges the policies: each new one is promoted.",
    ],
    figures: [],
    tables: [
      ...(judged.length === 0 ? [] : [promotions(judged, campaign.promoted?.policy)]),
      {
        caption: "All rows of the ledger, in order.",
        columns: ["row", "time (UTC)", "epoch", "what", "who", "why"].map(left),
        rows: ledger.map(ledgerRow),
      },
    ],
  };
}

const promotions = (places: readonly ReportPlace[], promoted: string | undefined): Table => ({
  caption:
    "Promotions. Win rates are against the policy that was promoted before, on the validation split; their " +
    "bounds hold with the spec's confidence.",
  columns: ["place", "decision", "evidence", "win rate", "at equal length", "reason"].map(left),
  rows: places.map(({ place, policy, decision, promotion }) => ({
    cells: [
      place,
      decision ?? ABSENT,
      promotion?.evidence ?? "unjudged",
      interval(promotion?.winRate),
      interval(promotion?.lengthControlled),
      promotion?.reason ?? ABSENT,
    ],
    marked: policy === promoted,
  })),
});

function ledgerRow({ n, at, epoch, event, by }: LedgerRow): Table["rows"][number] {
  // A run of the workflow decides by the spec's rules; its id says nothing to a reader.
  const own = by.startsWith("workflow:") ? "the campaign" : by;
  const [who, why] = "by" in event ? [event.by, event.why] : [own, ""];
  return { cells: [String(n), shownTime(at), String(epoch), whatOf(event), who, why || ABSENT] };
}

/** Who and why have columns of their own. */
const whatOf = (event: LedgerEvent): string =>
  "by" in event ? event.type + detailOf(event) : eventLine(event);

function detailOf(event: LedgerEvent): string {
  switch (event.type) {
    case "repaired":
      return `, ${event.manifests.length} manifests set aside`;
    case "moved":
      return ` to ${event.to}`;
    case "erased":
      return `, ${event.blobs.length} blobs`;
    case "amended":
      return ` from ${placeName(event.holdsFrom)} on: ${event.changes.map(showChange).join("; ")}`;
    case "rolled-back":
      return ` to iteration ${event.restored.latest.iteration}`;
    case "labels-withdrawn":
      return ` of ${event.labeler}`;
    case "paused":
      if (event.after !== undefined) return ` after iteration ${event.after}`;
      return event.short === undefined ? "" : `: too few labels at ${event.short}`;
    default:
      return "";
  }
}

/** First and last row. */
export const period = (ledger: readonly LedgerRow[]): { from: string; to: string } => ({
  from: shownTime(ledger[0]?.at ?? ""),
  to: shownTime(ledger.at(-1)?.at ?? ""),
});
