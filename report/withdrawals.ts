// Withdrawn labels as lines of text.
import { visibleLine } from "../errors/index.ts";

/** The parts of a withdrawal that are printed. */
export interface ShownWithdrawal {
  by: string;
  why: string;
  labeler: string;
  labels: number;
  trained: { place: string; labels: number; audit: number; models: string[] }[];
  descended: { place: string; policy: string }[];
}

export function withdrawalLines({ by, why, labeler, labels, trained, descended }: ShownWithdrawal): string[] {
  return [
    `${counted(labels)} of ${labeler} withdrawn by ${by}: ${why}`,
    ...(trained.length === 0 ? ["  nothing was trained on them"] : trained.map(trainedLine)),
    ...descended.map(({ place, policy }) => `  ${place} descends from that: policy ${short(policy)}`),
  ].map(visibleLine);
}

function trainedLine({ place, labels, audit, models }: ShownWithdrawal["trained"][number]): string {
  if (labels === audit) return `  ${place} was not trained on them; its audit used ${counted(audit)}`;
  const made = models.length === 0 ? "it has not finished" : models.map(short).join(", ");
  const audited = audit === 0 ? "" : `; its audit used ${counted(audit)}`;
  return `  ${place} was trained on ${counted(labels - audit)}: ${made}${audited}`;
}

const counted = (count: number): string => (count === 1 ? "1 label" : `${count} labels`);
const short = (digest: string): string => digest.slice(0, 12);
