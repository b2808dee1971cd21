// The examples over many seeds:
//   node dist/experiments/study/main.js run shop --seeds 201-210 --out FILE [--perturbed]
//   node dist/experiments/study/main.js tune --seeds 101,102 --rates 5e-5,1e-4,2e-4,4e-4 --out FILE
//   node dist/experiments/study/main.js table FILE [--json]
// A result is a line of FILE. A seed that has its line is not run again, and a campaign that was interrupted
// continues from its store in --dir.
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { runCampaign } from "./campaigns.ts";
import type { StudyCampaign, StudyRun } from "./campaigns.ts";
import { formatSummary } from "./format.ts";
import { expectationOf, summarise } from "./summary.ts";
import { tuningCampaigns, WORLDS } from "./worlds.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "201-210" },
    rates: { type: "string", default: "5e-5,1e-4,2e-4,4e-4" },
    out: { type: "string", default: "study.jsonl" },
    dir: { type: "string", default: ".ratchet/study" },
    perturbed: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** `201-203` and `101,102`. */
const seedsOf = (text: string): number[] =>
  text.split(",").flatMap((part) => {
    const [first = NaN, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });

type Line = StudyRun & { id: string };

async function linesOf(file: string): Promise<Line[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
}

async function runAll(campaigns: StudyCampaign[]): Promise<void> {
  const { out, dir, perturbed } = values;
  const finished = new Set((await linesOf(out)).map(({ id }) => id));
  await mkdir(dirname(out), { recursive: true });
  for (const campaign of campaigns.filter(({ id }) => !finished.has(id))) {
    const began = performance.now();
    const run = await runCampaign(campaign, dir, perturbed);
    await appendFile(out, `${JSON.stringify({ id: campaign.id, ...run } satisfies Line)}\n`);
    const seconds = (performance.now() - began) / 1000;
    const rates = run.arms.map(({ name, metrics }) => `${name} ${metrics.winRate?.value.toFixed(2) ?? "–"}`);
    console.error(`${campaign.id}: ${seconds.toFixed(0)} s; ${rates.join(", ")}`);
  }
}

async function table(file: string): Promise<void> {
  const runs = await linesOf(file);
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === "number" ? Number(value.toFixed(4)) : value;
  console.log(values.json ? JSON.stringify(expectationOf(runs), rounded, 2) : formatSummary(summarise(runs)));
}

const [mode, name = ""] = positionals;
const seeds = seedsOf(values.seeds);
const world = WORLDS[name];
if (mode === "table" && name) await table(name);
else if (mode === "tune")
  await runAll(seeds.flatMap((seed) => tuningCampaigns(seed, values.rates.split(",").map(Number))));
else if (mode === "run" && world)
  await runAll(
    seeds.map((seed) => ({
      id: `${name}-${seed}${values.perturbed ? "-perturbed" : ""}`,
      seed,
      ...world(seed),
    })),
  );
else throw new Error(`say run with one of ${Object.keys(WORLDS).join(", ")}, or tune, or table with a file`);
