// The line of `validate` and `plan` about prompts that two sets share.
import type { CompileSummary } from "../compile/index.ts";

/** `overlaps: preferences/sft 6, no other among iterations, validation, test, preferences, sft` */
export function overlapLine({
  overlaps,
  sftUnchecked = 0,
}: Pick<CompileSummary, "overlaps" | "sftUnchecked">): string {
  const sets = [...new Set(Object.keys(overlaps).flatMap((pair) => pair.split("/")))].join(", ");
  const shared = Object.entries(overlaps)
    .filter(([, count]) => count > 0)
    .map(([pair, count]) => `${pair} ${count}, `);
  const unchecked =
    sftUnchecked > 0
      ? `; not checked: ${sftUnchecked} SFT rows of plain text, because the end of their prompt is unknown`
      : "";
  return `overlaps: ${shared.join("")}${shared.length > 0 ? "no other" : "none"} among ${sets}${unchecked}`;
}
