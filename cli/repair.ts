// `ratchet repair`: computes damaged or missing artifacts again.
import type { Command } from "commander";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { data, json, note, suggest } from "./output.ts";

interface RepairFlags {
  why?: string;
  by?: string;
  json?: boolean;
}

export const repairVerb = (program: Command): Command =>
  program
    .command("repair")
    .description("compute damaged or missing artifacts again (exit 3 if their inputs are damaged too)")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--why <text>", "reason, for the ledger")
    .option("--by <name>", "your name, for the ledger (default: user@host)")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, { json: asJson, ...who }: RepairFlags, command: Command) => {
      await using(openClient(command), async (client) => {
        const repair = await client.repair(campaign, {
          ...who,
          onPlace: (place) => note(`running ${place} again`),
        });
        if (asJson) return json(repair);
        const { campaignId, problems, setAside, rewritten, dropped, places } = repair;
        if (problems.length === 0) return data(`${campaignId} is sound: nothing to repair`);
        data(
          `${campaignId} is repaired: ${problems.length} problems, ` +
            `${setAside.length} manifests set aside, ${rewritten.length} results rewritten, ` +
            `${dropped.length} checkpoints deleted, ${places.length} places run again`,
        );
        suggest([
          `verify ${campaignId}${repeatFlags(globalsOf(command))}`,
          `history ${campaignId} --ledger${repeatFlags(globalsOf(command))}`,
        ]);
      });
    });
