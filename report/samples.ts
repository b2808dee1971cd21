// Answers to the same prompts before and after training, side by side.
import type { Finish } from "../campaign/spec/modules.ts";
import { visibleLine } from "../errors/index.ts";
import { paint, width } from "./columns.ts";
import type { Look } from "./columns.ts";
import { fixed } from "./digits.ts";

interface ReadAnswer {
  text: string;
  finish: Finish;
  /** True reward; if there is none, the proxy. */
  score?: number;
}

interface SamplePair {
  prompt: string;
  before: ReadAnswer;
  after: ReadAnswer;
}

interface SampleNames {
  before: string;
  after: string;
}

/** Two columns of equal width below each prompt. `columns`: width of the terminal. */
export function formatSamples(
  samples: SamplePair[],
  names: SampleNames,
  look: Look & { columns: number },
): string {
  const each = Math.max(20, Math.floor((look.columns - 5) / 2));
  return samples.map((sample) => formatSample(sample, names, each, look)).join("\n\n");
}

function formatSample(
  { prompt, before, after }: SamplePair,
  names: SampleNames,
  each: number,
  look: Look,
): string {
  const left = [visibleLine(title(names.before, before)), ...wrap(answerText(before), each)];
  const right = [visibleLine(title(names.after, after)), ...wrap(answerText(after), each)];
  const lines = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const tone = i === 0 ? "dim" : undefined;
    const cell = left[i] ?? "";
    const space = " ".repeat(Math.max(0, each - width(cell)));
    return `  ${paint(cell, tone, look)}${space} | ${paint(right[i] ?? "", tone, look)}`.trimEnd();
  });
  return [...wrap(prompt, 2 * each + 3).map((line) => paint(line, "bold", look)), ...lines].join("\n");
}

const title = (name: string, { score }: ReadAnswer): string =>
  score === undefined ? name : `${name}, score ${fixed(score, 2)}`;

/** "…" marks an answer that was cut off at the token limit. */
const answerText = ({ text, finish }: ReadAnswer): string =>
  `${text.trim()}${finish === "length" ? " …" : ""}` || "(nothing)";

/**
 * Breaks at spaces and cuts words longer than a line. Line ends in the text are spaces; escapes are
 * counted.
 */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of visibleLine(text.replace(/\s+/g, " "))
    .split(" ")
    .filter((word) => word !== "")
    .flatMap((word) => chunks(word, columns))) {
    if (line !== "" && width(line) + 1 + width(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}

function chunks(word: string, size: number): string[] {
  const points = [...word];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size).join(""),
  );
}
