// Labels of people or of a module in their place.
import { ABSENT, fixed } from "../digits.ts";
import type { ShownStats } from "../label-stats.ts";
import type { ReportRecord } from "../record.ts";
import type { ShownWithdrawal } from "../withdrawals.ts";
import { left, right } from "./columns.ts";
import type { Section, Table } from "./types.ts";

export const labelsSection = ({ labels: stats, withdrawals }: ReportRecord): Section | undefined =>
  stats.length === 0
    ? undefined
    : {
        id: "labels",
        title: "Labels",
        text: [
          "Alpha is Krippendorff's, over comparisons that several labelers answered: 1 is full " +
            "agreement, 0 is " +
            "chance. Labelers are pseudonyms.",
        ],
        figures: [],
        tables: [
          questionnaires(stats),
          labelers(stats),
          ...(withdrawals.length === 0 ? [] : [withdrawn(withdrawals)]),
        ],
      };

const questionnaires = (stats: readonly ShownStats[]): Table => ({
  caption: "Questionnaires.",
  columns: [
    left("place"),
    ...["comparisons", "labels asked", "labels given", "first", "second", "tie", "both bad", "alpha"].map(
      right,
    ),
    left("state"),
  ],
  rows: stats.map(({ place, comparisons, slots, asking, quality: { labels, choices, alpha } }) => ({
    cells: [
      place,
      ...[comparisons, slots, labels, choices.first, choices.second, choices.tie, choices.both_bad].map(
        String,
      ),
      fixed(alpha, 2),
      asking,
    ],
  })),
});

const labelers = (stats: readonly ShownStats[]): Table => ({
  caption:
    "Labelers. Shares are of labels that choose one answer: 0.5 of the answers shown first, and " +
    "no constant " +
    "taste for the longer answer, is what an unbiased labeler has.",
  columns: [
    left("place"),
    left("labeler"),
    ...["labels", "decided", "shown first", "longer", "same as others", "seconds"].map(right),
  ],
  rows: stats.flatMap(({ place, quality }) =>
    quality.labelers.map(({ labeler, labels, decided, position, longer, agreement, seconds }) => ({
      cells: [
        place,
        labeler,
        String(labels),
        String(decided),
        ...[position, longer, agreement].map((share) => fixed(share, 2)),
        seconds === undefined ? ABSENT : fixed(seconds, 1),
      ],
    })),
  ),
});

const withdrawn = (withdrawals: readonly ShownWithdrawal[]): Table => ({
  caption: "Withdrawn labels, what had been trained on them, and the policies that descend from that.",
  columns: ["labeler", "labels", "by", "why", "trained on them", "descends from that"].map(left),
  rows: withdrawals.map(({ labeler, labels, by, why, trained, descended }) => ({
    cells: [
      labeler,
      String(labels),
      by,
      why || ABSENT,
      trained
        .filter((place) => place.labels > place.audit)
        .map(({ place }) => place)
        .join(", ") || "nothing",
      descended.map(({ place }) => place).join(", ") || "nothing",
    ],
  })),
});
