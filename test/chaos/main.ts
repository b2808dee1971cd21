// `npm run chaos`: campaigns with faults until enough of them have landed. Exit code 1 where anything did not hold.
//
//   npm run chaos -- --seed 1 --faults 20                 a directory; the same seed gives the same faults
//   npm run chaos -- --seed 1 --faults 20 --store s3
//   npm run chaos -- --faults 500 --results chaos.jsonl   goes on where it was interrupted
//   npm run chaos -- --kinds worker-kill,twice --stages train
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chaosCampaign, undisturbedRun } from "./campaign.ts";
import type { CampaignResult, Ground } from "./campaign.ts";
import type { Outcome } from "./outcome.ts";
import { KIND_NAMES, planOf, STAGES } from "./plan.ts";
import type { Kind, Stage, StoreKind } from "./plan.ts";
import { Results } from "./results.ts";
import type { Summary } from "./results.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    faults: { type: "string", default: "20" },
    store: { type: "string", default: "dir" },
    kinds: { type: "string" },
    stages: { type: "string" },
    results: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const dist = fileURLToPath(new URL("../../", import.meta.url));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const seed = whole("seed", values.seed);
const wanted = whole("faults", values.faults);
const store = among<StoreKind>("store", [values.store], ["dir", "s3"])[0] as StoreKind;
const kinds = values.kinds === undefined ? KIND_NAMES : among<Kind>("kinds", values.kinds.split(","), KIND_NAMES);
const stages = values.stages === undefined ? STAGES : among<Stage>("stages", values.stages.split(","), STAGES);
const { RATCHET_TEST_TEMPORAL_BIN: temporal, RATCHET_TEST_VERSITYGW_BIN: versitygw } = process.env;
if (!temporal) throw new Error("RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm run chaos`");

const ground: Ground = { seed, store, tools: { temporal, ...(versitygw ? { versitygw } : {}) }, folder: mkdtempSync(join(tmpdir(), "ratchet-chaos-")) };
const results = new Results(values.results);
const undisturbed = await cachedUndisturbed();
let index = 0;
for (const faults of planOf({ seed, store, kinds, stages })) {
  if (results.landed >= wanted) break;
  if (!results.has(seed, store, index)) {
    const result = await chaosCampaign(ground, index, faults, undisturbed);
    results.add(result);
    say(told(result, results.landed));
    if (result.problems.length > 0) say(`what is left of it: ${join(ground.folder, `campaign-${index}`)}`);
  }
  index += 1;
}

const summary = results.summary();
process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : table(summary));
if (summary.problems.length === 0) rmSync(ground.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
process.exit(summary.problems.length === 0 ? 0 : 1);

/** The undisturbed run depends on the code, the seed, the store and the processor, and on nothing else. */
async function cachedUndisturbed(): Promise<Outcome> {
  const stamp = join(dist, ".build.json");
  const code = existsSync(stamp) ? readFileSync(stamp, "utf8") : String(Date.now());
  const name = createHash("sha256").update(JSON.stringify([code, seed, store, cpus()[0]?.model])).digest("hex").slice(0, 16);
  const path = join(dist, "..", ".ratchet", "chaos", `undisturbed-${name}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as Outcome;
  const outcome = await undisturbedRun(ground);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(outcome));
  say("undisturbed run done");
  return outcome;
}

function told({ index: at, faults, problems, seconds }: CampaignResult, landed: number): string {
  const list = faults.map(({ kind, stage, landed: hit }) => `${kind} in ${stage}${hit ? "" : " (did not land)"}`).join(", ");
  return `campaign ${at}, ${seconds} s: ${list || "no fault met its moment"} · ${problems.length === 0 ? "holds" : `BROKEN: ${problems.join("; ")}`} · ${landed} of ${wanted} landed`;
}

function table({ faults, pairs, lost, doubled, digestEqual, recomputed, campaigns, problems, seeds }: Summary): string {
  const counts = (of: Record<string, number>): string => Object.entries(of).map(([name, count]) => `  ${name.padEnd(20)} ${count}`).join("\n");
  return [
    `${faults.total} faults landed in ${campaigns} campaigns, seeds ${seeds.join(", ")}; ${pairs.met} of ${pairs.possible} pairs of kind and stage`,
    counts(faults.byKind),
    "by stage",
    counts(faults.byStage),
    `lost ${lost}, doubled ${doubled}, digests equal: ${digestEqual}, computed again: ${recomputed.pieces} pieces, ${recomputed.steps} steps`,
    ...problems.map(({ seed: of, store: on, campaign, problem }) => `BROKEN seed ${of} on ${on}, campaign ${campaign}: ${problem}`),
    "",
  ].join("\n");
}

function whole(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is ${JSON.stringify(text)}: a whole number is wanted`);
  return Number(text);
}

function among<T extends string>(name: string, given: readonly string[], known: readonly T[]): T[] {
  const unknown = given.find((one) => !(known as readonly string[]).includes(one));
  if (unknown !== undefined) throw new Error(`--${name}: ${JSON.stringify(unknown)} is none of ${known.join(", ")}`);
  return given as T[];
}
