// Figures about labels as text.
import type { LabelerHabits, LabelQuality } from "../campaign/labeling/quality.ts";
import type { ApiCost } from "../campaign/labeling/types.ts";
import { formatApiCosts } from "./api-costs.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Look } from "./columns.ts";
import { fixed } from "./digits.ts";

/** The parts of a questionnaire's figures that are printed. */
export interface ShownStats {
  place: string;
  openedAt: string;
  asking: "open" | "closed" | "abandoned";
  comparisons: number;
  slots: number;
  states: Record<string, number>;
  withdrawnAfterSeal: number;
  quality: LabelQuality;
  api?: ApiCost[];
}

export const formatLabelStats = (stats: readonly ShownStats[], look: Look): string =>
  stats.map((one) => formatOne(one, look)).join("\n\n");

function formatOne(
  { place, openedAt, asking, comparisons, slots, states, withdrawnAfterSeal, quality, api = [] }: ShownStats,
  look: Look,
): string {
  const given = Object.entries(states)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const { alpha, repeated, choices } = quality;
  const lines = [
    `${place}: ${comparisons} comparisons, ${slots} labels asked, ` + `${asking} (opened ${openedAt})`,
    `labels: ${given.join(", ") || "none"}`,
    ...(withdrawnAfterSeal > 0
      ? [`of those counted, ${withdrawnAfterSeal} were withdrawn after the seal`]
      : []),
    `choices: ${Object.entries(choices)
      .map(([choice, count]) => `${choice} ${count}`)
      .join(", ")}`,
    `Krippendorff's alpha: ${number(alpha)} over ${repeated} repeated comparisons`,
  ];
  const tables = [formatColumns(COLUMNS, quality.labelers.map(row), look), formatApiCosts(api, look)];
  return [...lines, ...tables.flatMap((table) => (table === "" ? [] : ["", table]))].join("\n");
}

const COLUMNS = [
  { title: "labeler", align: "left" as const },
  ...["labels", "decided", "shown first", "longer", "same as others", "seconds", "known answers"].map(
    (title) => ({
      title,
      align: "right" as const,
    }),
  ),
];

const row = ({
  labeler,
  labels,
  decided,
  position,
  longer,
  agreement,
  seconds,
  checks,
  right,
}: LabelerHabits): Cell[] =>
  [
    labeler,
    String(labels),
    String(decided),
    number(position),
    number(longer),
    number(agreement),
    number(seconds, 1),
    checks === undefined ? "-" : `${number(right)} of ${checks}`,
  ].map((text) => ({ text }));

const number = (value: number | undefined, digits = 2): string =>
  value === undefined ? "-" : fixed(value, digits);
