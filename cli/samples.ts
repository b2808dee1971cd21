// `ratchet samples`: prints answers of the policies.
import type { Command } from "commander";
import type { PromptSamples } from "../client/record/answers.ts";
import type { Samples } from "../client/record/samples.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import { fixed } from "../report/digits.ts";
import { formatSamples } from "../report/samples.ts";
import { openStoreClient, using } from "./context.ts";
import { columnsOf, data, json, lookOf } from "./output.ts";
import { parseCount } from "./counts.ts";

interface SampleFlags {
  limit: number;
  offset: number;
  json?: boolean;
}

export const samplesVerb = (program: Command): Command =>
  program
    .command("samples")
    .description("print answers before and after training, or the completions or pairs of one stage")
    .argument(
      "<address>",
      "<campaign>[/<iteration>[.<take>] | /base-<name>][/generate | score | pair | evaluate]",
    )
    .option("--limit <count>", "number of prompts or pairs", parseCount, 5)
    .option("--offset <count>", "prompts or pairs to skip", parseCount, 0)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, { limit, offset, json: asJson }: SampleFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const samples = await client.samples(address, { limit, offset });
        if (asJson) json(samples);
        else data(samplesText(samples), lookOf(process.stdout));
      });
    });

function samplesText(samples: Samples): string {
  const look = lookOf(process.stdout);
  switch (samples.kind) {
    case "before-after":
      return formatSamples(samples.rows, samples, { ...look, columns: columnsOf(process.stdout) });
    case "completions":
      return samples.rows.map(groupText).join("\n\n");
    case "pairs":
      return samples.rows.map(pairText).join("\n\n");
  }
}

const groupText = ({ prompt, answers }: PromptSamples): string =>
  [
    prompt,
    ...answers.map(
      ({ text, finish, temperature, score }) =>
        `  t ${temperature}${score === undefined ? "" : `, score ${fixed(score, 2)}`}: ` +
        below(`${text}${finish === "length" ? " …" : ""}`),
    ),
  ].join("\n");

function pairText({ prompt, chosen, rejected, chosen_score, rejected_score, margin }: PairRow): string {
  const line = (name: string, answer: PairRow["chosen"], score: number | undefined): string =>
    `  ${name}${score === undefined ? "" : ` (${fixed(score, 2)})`}: ${below(content(answer))}`;
  return [
    `${content(prompt)}${margin === undefined ? "" : `  [margin ${fixed(margin, 2)}]`}`,
    line("chosen", chosen, chosen_score),
    line("rejected", rejected, rejected_score),
  ].join("\n");
}

/** An answer's own lines are indented further than the lines of the list, so that none passes for another. */
const below = (text: string): string => text.replaceAll("\n", "\n    ");

const content = (text: PairRow["prompt"]): string =>
  typeof text === "string" ? text : text.map((turn) => turn.content).join("\n");
