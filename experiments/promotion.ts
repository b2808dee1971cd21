// How often is a rule of promotion right? Simulated judges and policies, whose true win rate is known.
//   node dist/experiments/promotion.js [main] [varied] [--draws 1000] [--resamples 500]
// docs/promotion.md has the tables. One draw is a validation of 100 prompts with 4 comparisons each.
import { parseArgs } from "node:util";
import { lengthControlledRates } from "../campaign/recipe/length-control.ts";
import { evidenceOf } from "../campaign/recipe/promotion.ts";
import { JUDGES, POLICIES, simulatedVerdicts } from "../campaign/recipe/simulated-judges.test.support.ts";
import type {
  SimulatedJudge,
  SimulatedPolicy,
  SimulatedValidation,
} from "../campaign/recipe/simulated-judges.test.support.ts";
import { percentileInterval, sharesOf, winRate } from "../campaign/recipe/winrate.ts";
import { DEFAULTS } from "../campaign/spec/defaults.ts";
import type { Interval } from "../campaign/types.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    draws: { type: "string", default: "1000" },
    resamples: { type: "string", default: "500" },
  },
});
const draws = Number(values.draws);
const resamples = Number(values.resamples);

interface Case {
  name: string;
  judge: SimulatedJudge;
  policies?: Record<string, SimulatedPolicy>;
  validation?: SimulatedValidation;
}

const { "likes length": likesLength = {}, "likes position": likesPosition = {} } = JUDGES;
const longerBy = (tokens: number): Record<string, SimulatedPolicy> => ({
  [`better, ${tokens} tokens shorter`]: { trueRate: 0.58, longer: -tokens },
  [`equal, ${tokens} tokens longer`]: { trueRate: 0.5, longer: tokens },
  [`worse, ${tokens} tokens longer`]: { trueRate: 0.42, longer: tokens },
});

const MAIN = Object.entries(JUDGES).map(([name, judge]): Case => ({ name, judge }));

const VARIED: Case[] = [
  { name: "likes length, ties", judge: { ...likesLength, says: "tie" } },
  { name: "likes length, probabilities", judge: { ...likesLength, says: "probability" } },
  { name: "likes length half as much again", judge: { perToken: 0.15 } },
  { name: "likes length", judge: likesLength, policies: longerBy(1) },
  { name: "likes length", judge: likesLength, policies: longerBy(6) },
  { name: "fair, prompts differ", judge: {}, validation: { promptEffect: 0.5 } },
  { name: "likes length, prompts differ", judge: likesLength, validation: { promptEffect: 0.5 } },
  { name: "likes length, 400 prompts × 1", judge: likesLength, validation: { prompts: 400, perPrompt: 1 } },
  {
    name: "likes position, both orders of 200",
    judge: { ...likesPosition, bothOrders: true },
    validation: { perPrompt: 2 },
  },
  { name: "likes position, both orders of 400", judge: { ...likesPosition, bothOrders: true } },
  { name: "always takes the first", judge: { first: 50 } },
  { name: "fair, 800 comparisons", judge: {}, validation: { prompts: 200 } },
];

const RULE = DEFAULTS.promote;
const CONFIDENCES = [0.9, 0.95, 0.96, 0.97, 0.975];

/** One draw: both win rates, each with the bounds of any confidence. */
interface Drawn {
  raw: (confidence: number) => Interval;
  controlled: (confidence: number) => Interval;
}

function drawsOf({ name, judge, validation }: Case, policy: string, of: SimulatedPolicy): Promise<Drawn[]> {
  const drawn = Array.from({ length: draws }, async (_, draw): Promise<Drawn> => {
    const seed = `${name}/${policy}/${draw}`;
    const verdicts = simulatedVerdicts(of, judge, seed, validation);
    const shares = sharesOf(verdicts);
    const { value, rates } = await lengthControlledRates(verdicts, { resamples, seed });
    return {
      raw: (confidence) => winRate(shares, { resamples, seed, level: 2 * confidence - 1 }),
      controlled: (confidence) => ({ value, ...percentileInterval(rates, 2 * confidence - 1) }),
    };
  });
  return Promise.all(drawn);
}

type By = "raw" | "length-controlled";

function evidence({ raw, controlled }: Drawn, by: By, confidence: number) {
  const level = confidence || RULE.confidence;
  return evidenceOf(
    { winRate: raw(level), lengthControlled: controlled(level) },
    { by, confidence, threshold: RULE.threshold },
  );
}

const percent = (found: Drawn[], wanted: string, by: By, confidence: number): string =>
  ((100 * found.filter((one) => evidence(one, by, confidence) === wanted).length) / found.length).toFixed(1);
const mean = (found: Drawn[], which: keyof Drawn): string =>
  (found.reduce((sum, one) => sum + one[which](RULE.confidence).value, 0) / found.length).toFixed(3);

const row = (...cells: string[]): string => `| ${cells.join(" | ")} |`;
const header = (...titles: string[]): string[] => [row(...titles), row(...titles.map(() => "---"))];

/** Two tables: by the rules of earlier versions and of today, and by confidence. */
async function tables(cases: Case[]): Promise<string> {
  const { confidence } = RULE;
  const rules = header(
    "judge",
    "policy",
    "raw win rate",
    "controlled",
    "promoted by `raw`, 0",
    `by \`raw\`, ${confidence}`,
    "by default",
    "undecided by default",
  );
  const levels = header("judge", "policy", ...CONFIDENCES.map(String));
  for (const one of cases)
    for (const [policy, of] of Object.entries(one.policies ?? POLICIES)) {
      const found = await drawsOf(one, policy, of);
      rules.push(
        row(
          one.name,
          policy,
          mean(found, "raw"),
          mean(found, "controlled"),
          percent(found, "better", "raw", 0),
          percent(found, "better", "raw", confidence),
          percent(found, "better", "length-controlled", confidence),
          percent(found, "undecided", "length-controlled", confidence),
        ),
      );
      levels.push(
        row(
          one.name,
          policy,
          ...CONFIDENCES.map((level) => percent(found, "better", "length-controlled", level)),
        ),
      );
      console.error(rules.at(-1), levels.at(-1));
    }
  return [...rules, "", ...levels].join("\n");
}

const wanted = positionals.length > 0 ? positionals : ["main", "varied"];
for (const [name, cases] of Object.entries({ main: MAIN, varied: VARIED }))
  if (wanted.includes(name))
    console.log(`${name}: ${draws} draws, ${resamples} resamples\n\n${await tables(cases)}\n`);
