// `ratchet diff`: what differs between two policies or campaigns.
import type { Command } from "commander";
import { formatDiff } from "../report/diff.ts";
import { openStoreClient, using } from "./context.ts";
import { parseCount } from "./counts.ts";
import { columnsOf, data, json, lookOf } from "./output.ts";

export const diffVerb = (program: Command): Command =>
  program
    .command("diff")
    .description("compare two policies: metrics paired by prompt, settings, data, environments, answers")
    .argument("<a>", "<campaign>[/<iteration>[.<take>] | /base-<name>]; by default the promoted policy")
    .argument("<b>", "the same, of this or another campaign of the store")
    .option("--samples <count>", "also print answers to this many prompts side by side", parseCount, 0)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (a: string, b: string, flags: { samples: number; json?: boolean }, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const found = await client.diff(a, b, { samples: flags.samples });
        if (flags.json) return json(found);
        const look = lookOf(process.stdout);
        data(formatDiff(found, { ...look, columns: columnsOf(process.stdout) }), look);
      });
    });
