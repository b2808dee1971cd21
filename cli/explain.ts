// `ratchet explain`: what a policy, or one completion, came from and led to.
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { explanationDot, formatCompletion, formatExplanation } from "../report/explain.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json, lookOf } from "./output.ts";

interface ExplainFlags {
  completion?: string;
  json?: boolean;
  dot?: boolean;
}

export const explainVerb = (program: Command): Command =>
  program
    .command("explain")
    .description("print what a policy came from: trainings, pairs, scores, answers, prompts, decisions")
    .argument("<address>", "<campaign>[/<iteration>[.<take>] | /base-<name>]; by default the promoted policy")
    .option("--completion <prompt/index>", "one completion instead: its pairs, and who learned from them")
    .option("--dot", "print a graph for Graphviz")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, flags: ExplainFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        if (flags.completion !== undefined) {
          const explained = await client.explainCompletion(address, parseCompletion(flags.completion));
          return flags.json ? json(explained) : data(formatCompletion(explained));
        }
        const explained = await client.explain(address);
        if (flags.json) return json(explained);
        const look = lookOf(process.stdout);
        data(flags.dot ? explanationDot(explained) : formatExplanation(explained, look), look);
      });
    });

/** A prompt's id may hold slashes. */
function parseCompletion(text: string): { promptId: string; index: number } {
  const [, promptId, index] = /^(.+)\/(\d+)$/s.exec(text) ?? [];
  if (promptId === undefined)
    throw new RatchetError("usage_invalid", `${JSON.stringify(text)} names no completion`, {
      hint: "<prompt id>/<number of the sample>, for example p17/0",
    });
  return { promptId, index: Number(index) };
}
