// `npm run chaos`: runs campaigns with faults until enough faults landed. Exit code 1: a campaign did not
// hold. Exit code 3: --every-pair was given and some pair did not land.
//
//   npm run chaos -- --seed 1 --faults 20                 a directory; the same seed gives the same faults
//   npm run chaos -- --seed 1 --faults 20 --store s3
//   npm run chaos -- --faults 500 --results chaos.jsonl   stopped and started again, it resumes
//   npm run chaos -- --faults 500 --every-pair            until every possible pair has landed, too
//   npm run chaos -- --seed 1 --campaign 7                that one campaign again
//   npm run chaos -- --kinds twice --stages train --bail  only these; stops at the first that does not hold
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cachedUndisturbed, thisCode } from "./built.ts";
import { chaosCampaign } from "./campaign.ts";
import type { RunSettings } from "./campaign.ts";
import { KIND_NAMES, pairName, pairNamed, possiblePairs, STAGES } from "./pairs.ts";
import type { Kind, Pair, Stage, StoreKind } from "./pairs.ts";
import { Plan } from "./plan.ts";
import { Results } from "./results.ts";
import type { Row } from "./results.ts";
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

/** A pair that has not landed after this many tries counts as unmet. */
const TRIES = 6;
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

const settings: RunSettings = {
  seed,
  store,
  tools: { temporal, versitygw },
  folder: mkdtempSync(join(tmpdir(), "ratchet-chaos-")),
};
const plan = new Plan({ seed, store, kinds, stages });
const planned = plan.narrowed.join(" ") || "all";
const results = new Results(values.results, await thisCode());
if (results.others > 0)
  say(`${results.others} campaigns in ${values.results} were run by other code and do not count`);
const undisturbed = await cachedUndisturbed(settings, say);

const summary = () => summarize(results.rows, plan.narrowed.length === 0 ? possiblePairs : () => plan.pairs);
if (only !== undefined) await run(only, values.pairs?.split(",").map(pairNamed) ?? plan.listed(only));
else
  for (let index = 0; !isEnough(); index += 1)
    if (!results.has(seed, store, planned, index)) await run(index, plan.next(index, pairsToTry()));

const total = summary();
process.stdout.write(values.json ? `${JSON.stringify(total)}\n` : table(total));
if (total.problems.length === 0)
  rmSync(settings.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
process.exit(total.problems.length > 0 ? 1 : values["every-pair"] && total.pairs.unmet.length > 0 ? 3 : 0);

async function run(index: number, pairs: readonly Pair[]): Promise<void> {
  const result = await chaosCampaign(
    settings,
    index,
    plan.faults(index, pairs, undisturbed.moments),
    undisturbed.outcome,
  );
  const row = results.add(result, planned, plan.replay(index, pairs));
  say(lineOf(row, summary().faults.total));
  if (row.problems.length > 0)
    say(`its folder: ${join(settings.folder, `campaign-${index}`)}\nagain: ${row.replay}`);
}

function isEnough(): boolean {
  const { faults, problems } = summary();
  if (values.bail && problems.length > 0) return true;
  return faults.total >= wanted && !(values["every-pair"] && pairsToTry().length > 0);
}

/** Pairs of this store that have not landed in fewer than TRIES tries. */
function pairsToTry(): Pair[] {
  const tried = results.rows.filter((row) => row.store === store).flatMap(({ faults }) => faults);
  return plan.pairs.filter((pair) => {
    const own = tried.filter((fault) => pairName(fault) === pairName(pair));
    return own.length < TRIES && !own.some(({ landed }) => landed);
  });
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
