// Where the time went, what had to be computed again, and which faults the campaign survived.
import type { LedgerRow } from "../../campaign/types.ts";
import { fixed } from "../digits.ts";
import { showDuration } from "../duration.ts";
import type { ReportPlace, ReportRecord, ReportWork } from "../record.ts";
import { left, right } from "./columns.ts";
import type { Figure, Section, Table } from "./types.ts";

interface StageTotal {
  stage: string;
  computed: number;
  recomputed: number;
  attempts: number;
  busyMs: number;
  recomputedMs: number;
}

const TRAININGS = ["sft", "reward", "refit", "train"];

/** In recipe order. */
const ORDER = [
  "sft",
  "reward",
  "generate",
  "score",
  "label",
  "audit",
  "refit",
  "pair",
  "train",
  "answer",
  "reference",
  "judge",
  "evaluate",
  "promote",
];

export function workSection({ places, ledger }: ReportRecord): Section | undefined {
  const totals = stageTotals(places);
  if (totals.length === 0) return undefined;
  const faults = [...ledger.flatMap(faultOfRow), ...places.flatMap(faultsOfPlace)];
  return {
    id: "work",
    title: "Time, waste and faults",
    text: [
      "Compute time is summed over pieces and trainings, also of those that ran at the same time. " +
        "Of a training " +
        "that resumed, only the last attempt is timed. Computed again is the part that a killed " +
        "attempt had " +
        "begun and could not commit.",
    ],
    figures: [timeFigure(totals)],
    tables: [
      stageTable(totals),
      {
        caption: "Faults that the campaign survived, as far as its record shows them.",
        columns: [left("where"), left("what happened")],
        rows: faults.length === 0 ? [{ cells: ["everywhere", "no attempt was repeated"] }] : faults,
      },
    ],
  };
}

function timeFigure(totals: readonly StageTotal[]): Figure {
  const unit = unitOf(Math.max(...totals.map(({ busyMs }) => busyMs)));
  return {
    id: "time-by-stage",
    title: "Compute time by stage",
    caption: "Over all places of the campaign.",
    chart: {
      kind: "bars",
      title: unit.name,
      parts: ["committed at the first try", "computed again"],
      bars: totals.map(({ stage, busyMs, recomputedMs }) => ({
        name: stage,
        values: [busyMs - recomputedMs, recomputedMs].map((ms) => ms / unit.ms),
      })),
    },
  };
}

function stageTotals(places: readonly ReportPlace[]): StageTotal[] {
  const totals = new Map<string, StageTotal>();
  for (const [stage, work] of places.flatMap((place) => Object.entries(place.work))) {
    const total = totals.get(stage) ?? { stage, ...NOTHING };
    totals.set(stage, {
      stage,
      computed: total.computed + work.computed,
      recomputed: total.recomputed + work.recomputed,
      attempts: Math.max(total.attempts, work.attempts),
      busyMs: total.busyMs + work.busyMs,
      recomputedMs: total.recomputedMs + work.recomputedMs,
    });
  }
  return [...totals.values()].sort((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
}

function unitOf(ms: number): { name: string; ms: number } {
  if (ms >= 2 * 3_600_000) return { name: "hours", ms: 3_600_000 };
  return ms >= 2 * 60_000 ? { name: "minutes", ms: 60_000 } : { name: "seconds", ms: 1000 };
}

const NOTHING = { computed: 0, recomputed: 0, attempts: 0, busyMs: 0, recomputedMs: 0 };

function stageTable(totals: readonly StageTotal[]): Table {
  const sum = (key: "busyMs" | "recomputedMs"): number => totals.reduce((all, total) => all + total[key], 0);
  const busy = sum("busyMs");
  return {
    caption: "Work by stage. Units are pieces, or optimizer steps of a training.",
    columns: [
      left("stage"),
      ...["compute time", "share", "units", "computed again", "time of that", "most attempts"].map(right),
    ],
    rows: [
      ...totals.map(({ stage, busyMs, recomputedMs, computed, recomputed, attempts }) => ({
        cells: [
          stage,
          showDuration(busyMs),
          percent(busyMs / busy),
          String(computed),
          String(recomputed),
          showDuration(recomputedMs),
          String(attempts),
        ],
      })),
      {
        cells: ["all", showDuration(busy), "", "", "", showDuration(sum("recomputedMs")), ""],
      },
    ],
  };
}

const percent = (share: number): string => (Number.isFinite(share) ? `${fixed(100 * share, 0)} %` : "");

/** Rows of the ledger that follow a fault. The first `opened` is the start. */
function faultOfRow({ event, epoch, at }: LedgerRow): Table["rows"] {
  const where = `ledger, ${at.slice(0, 16).replace("T", " ")}`;
  switch (event.type) {
    case "failed":
      return [{ cells: [where, `the campaign failed with ${event.code} and was continued or ended there`] }];
    case "repaired":
      return [{ cells: [where, `${event.manifests.length} damaged results were set aside and made again`] }];
    case "opened":
      return epoch > 1 ? [{ cells: [where, `opened again on ${event.server}, epoch ${epoch}`] }] : [];
    default:
      return [];
  }
}

const faultsOfPlace = ({ place, work }: ReportPlace): Table["rows"] =>
  Object.entries(work).flatMap(([stage, done]) =>
    done.attempts > 1 || done.recomputed > 0 ? [{ cells: [`${place} ${stage}`, retried(stage, done)] }] : [],
  );

function retried(stage: string, { attempts, recomputed, resumedFrom = 0 }: ReportWork): string {
  const unit = TRAININGS.includes(stage) ? "steps" : "pieces";
  const from = resumedFrom > 0 ? `, resumed from step ${resumedFrom}` : "";
  return `${attempts} attempts${from}, ${recomputed} ${unit} computed again`;
}
