// Answers of π_0 and of the promoted policy to the same test prompts.
import { fixed } from "../digits.ts";
import type { ReportRecord, ReportSamples } from "../record.ts";
import type { Sample, Section } from "./types.ts";

/** Characters of one answer. */
const TEXT_MAX = 1500;

export function samplesSection({ samples }: ReportRecord): Section | undefined {
  if (!samples || samples.rows.length === 0) return undefined;
  return {
    id: "answers",
    title: "Answers before and after",
    text: [
      `The first answers to the first ${samples.rows.length} test prompts: nobody chose them. A ` +
        `score is the ` +
        "true reward if the campaign has one, else the proxy's.",
    ],
    figures: [],
    tables: [],
    samples: samples.rows.map((row) => sampleOf(row, samples)),
  };
}

function sampleOf(
  { prompt, before, after }: ReportSamples["rows"][number],
  names: Pick<ReportSamples, "before" | "after">,
): Sample {
  const answer = (name: string, { text, finish, score }: typeof before): Sample["answers"][number] => ({
    name,
    text: cut(text.trim() || "(nothing)"),
    note: [
      ...(score === undefined ? [] : [`score ${fixed(score, 2)}`]),
      ...(finish === "length" ? ["cut off at the token limit"] : []),
    ].join(", "),
  });
  return {
    prompt: cut(prompt),
    answers: [answer(`before, ${names.before}`, before), answer(`after, ${names.after}`, after)],
  };
}

function cut(text: string): string {
  const points = [...text];
  if (points.length <= TEXT_MAX) return text;
  return `${points.slice(0, TEXT_MAX).join("")} … (${points.length - TEXT_MAX} more characters)`;
}
