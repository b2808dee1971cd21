// `ratchet plan`: settings, stages and sizes of a campaign, without running it.
import type { Command } from "commander";
import { formatColumns } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";
import { visibleLine } from "../errors/index.ts";
import { checkCampaign } from "./check.ts";
import { sourceLine } from "./checked-lines.ts";
import { SEED } from "./counts.ts";
import { data, json, lookOf, note, suggest } from "./output.ts";
import { overlapLine } from "./overlaps.ts";
import type { CampaignSize } from "./sizes.ts";
import type { StageSize } from "./stage-sizes.ts";
import { loadCampaign } from "./spec-file.ts";

export const planVerb = (program: Command): Command =>
  program
    .command("plan")
    .description("print the resolved settings, stages and sizes of a campaign without running it")
    .argument("<campaign>", "campaign file, or folder with one")
    .option(...SEED)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (path: string, flags: { seed?: number; json?: boolean }) => {
      const { spec, ...loaded } = await loadCampaign(path);
      const settings = { ...spec, seed: flags.seed ?? spec.seed };
      const { specDigest, summary } = await checkCampaign({ ...loaded, spec: settings });
      const { sizesOf } = await import("./sizes.ts");
      const sizes = sizesOf(settings, {
        sftRows: summary.sftRows,
        pairRows: summary.preferences?.kept,
        parameters: summary.model.parameters,
        contextLength: summary.model.contextLength,
        longestPrompt: Math.max(...Object.values(summary.prompts).map(({ longest }) => longest)),
      });
      if (flags.json) return json({ specDigest, spec: settings, ...sizes, summary });
      for (const warning of summary.warnings) note(`warning: ${warning}`);
      const { stringify } = await import("yaml");
      const written = stringify(settings, { lineWidth: 120 }).trimEnd();
      const look = lookOf(process.stdout);
      data(planText(written, specDigest, sizes, look), look);
      data(overlapLine(summary));
      for (const source of summary.sources) data(visibleLine(sourceLine(source)));
      suggest([`run ${path}`, `start ${path}`]);
    });

function planText(settings: string, digest: string, { stages, totals }: CampaignSize, look: Look): string {
  const columns = [
    { title: "place", align: "left" as const },
    { title: "stage", align: "left" as const },
    ...["times", "prompts", "completions", "pieces", "shards", "rows ≤", "steps ≤"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ];
  return [
    settings,
    "",
    formatColumns(columns, stages.map(cells), look),
    "",
    `in all: ${count(totals.completions)} completions of at most ${count(totals.tokensMax)} tokens, ` +
      `at most ${count(totals.stepsMax)} optimizer steps, ${count(totals.activities)} activities`,
    `through the model, at most: ${count(totals.tokensMax)} tokens written, ${count(totals.readMax)} read, ` +
      `${count(totals.trainedMax)} trained on; about ${flops(totals.flopsMax)}`,
    `spec ${digest}`,
  ].join("\n");
}

const cells = ({
  place,
  stage,
  times,
  prompts,
  completions,
  pieces,
  shards,
  rowsMax,
  stepsMax,
}: StageSize) => [
  { text: place },
  { text: stage },
  ...[times, prompts, completions, pieces, shards, rowsMax, stepsMax].map((value) => ({
    text: value === undefined ? "" : count(value),
  })),
];

/** `4.2 PFLOP` */
export function flops(value: number): string {
  const [unit, size] = (
    [
      ["EFLOP", 1e18],
      ["PFLOP", 1e15],
      ["TFLOP", 1e12],
    ] as const
  ).find(([, size]) => value >= size) ?? ["GFLOP", 1e9];
  return `${Number((value / size).toPrecision(2))} ${unit}`;
}

const count = (value: number): string => value.toLocaleString("en-US");
