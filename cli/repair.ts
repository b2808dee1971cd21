// `ratchet repair`: make damaged or missing artifacts again.
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
    .description(
      "compute damaged or missing artifacts again where what they were made from is whole (exit 3 where it is not)",
    )
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--why <text>", "why, for the ledger")
    .option("--by <name>", "who, for the ledger (default: user@host)")
    .option("--json", "as JSON (docs/cli.md)")
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
          `${campaignId} is repaired: ${problems.length} problems, ${setAside.length} manifests set aside, ${rewritten.length} results rewritten, ${dropped.length} checkpoints dropped, ${places.length} places run again`,
        );
        suggest([
          `verify ${campaignId}${repeatFlags(globalsOf(command))}`,
          `history ${campaignId} --ledger${repeatFlags(globalsOf(command))}`,
        ]);
      });
    });
