// `npm run chaos`: runs campaigns with faults until enough faults landed, also after a campaign that did not
// hold. Exit code 1: a campaign did not hold. Exit code 3: --every-pair was given and some pair did not land.
// Ctrl-C prints the summary of the campaigns so far.
//
//   npm run chaos -- --seed 1 --faults 20                 a directory; the same seed gives the same faults
//   npm run chaos -- --seed 1 --faults 20 --store s3
//   npm run chaos -- --faults 500 --results chaos.jsonl   stopped and started again, it resumes
//   npm run chaos -- --faults 500 --every-pair            until every possible pair has landed, too
//   npm run chaos -- --seed 1 --campaign 7                that one campaign again
//   npm run chaos -- --kinds twice --stages train --bail  only these; stops at the first that does not hold
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cachedUndisturbed, thisCode } from "./built.ts";
import { chaosCampaign } from "./campaign.ts";
import type { RunSettings } from "./campaign.ts";
import { KIND_NAMES, pairNamed, possiblePairs, STAGES } from "./pairs.ts";
import type { Kind, Stage, StoreKind } from "./pairs.ts";
import { Plan } from "./plan.ts";
import { Results } from "./results.ts";
import type { Row } from "./results.ts";
import type { Labelers } from "./tiny-shop.ts";
import { runCampaign, runCampaigns } from "./run.ts";
import type { ChaosRun } from "./run.ts";
import { summarize, table } from "./summary.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    faults: { type: "string", default: "20" },
    store: { type: "string", default: "dir" },
    kinds: { type: "string" },
    stages: { type: "string" },
    campaign: { type: "string" },
    pairs: { type: "string" },
    results: { type: "string" },
    "every-pair": { type: "boolean", default: false },
    bail: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const seed = whole("seed", values.seed);
const wanted = whole("faults", values.faults);
const store = among<StoreKind>("store", [values.store], ["dir", "s3"])[0] as StoreKind;
const kinds =
  values.kinds === undefined ? undefined : among<Kind>("kinds", values.kinds.split(","), KIND_NAMES);
const stages =
  values.stages === undefined ? undefined : among<Stage>("stages", values.stages.split(","), STAGES);
const only = values.campaign === undefined ? undefined : whole("campaign", values.campaign);
const { RATCHET_TEST_TEMPORAL_BIN: temporal, RATCHET_TEST_VERSITYGW_BIN: versitygw } = process.env;
if (!temporal) throw new Error("RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm run chaos`");

const folder = mkdtempSync(join(tmpdir(), "ratchet-chaos-"));
const settingsFor = (labelers: Labelers): RunSettings => ({
  seed,
  store,
  labelers,
  tools: { temporal, versitygw },
  folder,
});
const plan = new Plan({ seed, store, kinds, stages });
const results = new Results(values.results, await thisCode());
if (results.others > 0)
  say(`${results.others} campaigns in ${values.results} were run by other code and do not count`);
// First all runs that the list needs: `npm run mutations` has them made by the sound product.
if (only === undefined)
  for (const labelers of plan.labelersListed) await cachedUndisturbed(settingsFor(labelers), say);

const summary = () => summarize(results.rows, plan.narrowed.length === 0 ? possiblePairs : () => plan.pairs);
/** Errors that no campaign waited for, such as those of a broken connection: they end no run. */
const strays: string[] = [];
for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (error: unknown) =>
    strays.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => finish(128 + constants.signals[name]));

const run: ChaosRun = {
  seed,
  store,
  plan,
  results,
  wanted,
  everyPair: values["every-pair"],
  bail: values.bail,
  async campaign(index, pairs) {
    const settings = settingsFor(plan.labelers(index, pairs));
    const undisturbed = await cachedUndisturbed(settings, say);
    const faults = plan.faults(index, pairs, undisturbed.moments);
    const result = await chaosCampaign(settings, index, faults, async (rows) => {
      const same = JSON.stringify(rows) === JSON.stringify(undisturbed.rows);
      return (same ? undisturbed : await cachedUndisturbed(settings, say, rows)).outcome;
    });
    result.problems.push(...strays.splice(0).map((why) => `an error in chaos itself: ${why}`));
    return result;
  },
  report(row) {
    say(lineOf(row, summary().faults.total));
    if (row.problems.length > 0) keep(row);
  },
};
if (only !== undefined)
  await runCampaign(run, only, values.pairs?.split(",").map(pairNamed) ?? plan.listed(only));
else await runCampaigns(run);
finish();

/** Prints the summary and exits; `code` is that of an interrupted run. */
function finish(code?: number): never {
  const total = summary();
  process.stdout.write(values.json ? `${JSON.stringify(total)}\n` : table(total));
  if (total.problems.length === 0)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  const unmet = values["every-pair"] && total.pairs.unmet.length > 0;
  process.exit(total.problems.length > 0 ? 1 : (code ?? (unmet ? 3 : 0)));
}

/** Writes the row of a campaign that did not hold into its folder, with the command that runs it again. */
function keep(row: Row): void {
  const own = join(folder, `campaign-${row.index}`);
  if (existsSync(own)) writeFileSync(join(own, "campaign.json"), `${JSON.stringify(row, null, 2)}\n`);
  say(`its folder: ${own}\nagain: ${row.replay}`);
}

function lineOf({ index, faults, problems, seconds }: Row, landed: number): string {
  const list = faults
    .map(
      ({ kind, stage, met, landed: hit }) =>
        `${kind} in ${stage}${hit ? "" : met ? " (did not land)" : " (did not meet)"}`,
    )
    .join(", ");
  const verdict = problems.length === 0 ? "holds" : `BROKEN: ${problems.join("; ")}`;
  return `campaign ${index}, ${seconds} s: ${list} · ${verdict} · ${landed} of ${wanted} landed`;
}

function whole(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} is ${JSON.stringify(text)}: give a whole number`);
  return Number(text);
}

function among<T extends string>(name: string, given: readonly string[], known: readonly T[]): T[] {
  const unknown = given.find((one) => !(known as readonly string[]).includes(one));
  if (unknown !== undefined)
    throw new Error(`--${name}: ${JSON.stringify(unknown)} is not one of ${known.join(", ")}`);
  return given as T[];
}
