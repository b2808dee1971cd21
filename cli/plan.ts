// `ratchet plan`: what a campaign would do, without doing any of it.
import type { Command } from "commander";
import { stringify } from "yaml";
import type { LoadedSpec } from "../campaign/load.ts";
import { formatColumns } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";
import { data, json, lookOf, suggest } from "./output.ts";
import { checkCampaign } from "./check.ts";
import { sizesOf } from "./sizes.ts";
import type { CampaignSize, StageSize } from "./sizes.ts";
import { loadCampaign } from "./spec-file.ts";

export const planVerb = (program: Command): Command =>
  program
    .command("plan")
    .description("show resolved settings, stages and sizes; runs nothing")
    .argument("<campaign>", "campaign file, or a folder that holds one")
    .option("--json", "as JSON (docs/cli.md)")
    .action(async (path: string, flags: { json?: boolean }) => {
      const loaded = await loadCampaign(path);
      const { compiled, digest } = await checkCampaign(loaded);
      const { sft, preferences } = compiled.bootstrap;
      const sizes = sizesOf(loaded.spec, { sftRows: sft?.data.count ?? 0, pairRows: preferences && "data" in preferences ? preferences.data.count : 0 });
      if (flags.json) return json({ specDigest: digest, spec: loaded.spec, ...sizes, overlaps: compiled.prompts.overlaps });
      data(planText(loaded, digest, sizes, lookOf(process.stdout)));
      suggest([`ratchet run ${path}`, `ratchet start ${path}`]);
    });

export function planText({ spec }: LoadedSpec, digest: string, { stages, totals }: CampaignSize, look: Look): string {
  const columns = [
    { title: "place", align: "left" as const },
    { title: "stage", align: "left" as const },
    ...["times", "prompts", "completions", "pieces", "shards", "rows ≤", "steps ≤"].map((title) => ({ title, align: "right" as const })),
  ];
  return [
    stringify(spec, { lineWidth: 120 }).trimEnd(),
    "",
    formatColumns(columns, stages.map(cells), look),
    "",
    `in all: ${count(totals.completions)} completions of at most ${count(totals.tokensMax)} tokens, at most ${count(totals.stepsMax)} optimizer steps, ${count(totals.activities)} activities`,
    `spec ${digest}`,
  ].join("\n");
}

const cells = ({ place, stage, times, prompts, completions, pieces, shards, rowsMax, stepsMax }: StageSize) => [
  { text: place },
  { text: stage },
  ...[times, prompts, completions, pieces, shards, rowsMax, stepsMax].map((value) => ({ text: value === undefined ? "" : count(value) })),
];

const count = (value: number): string => value.toLocaleString("en-US");
