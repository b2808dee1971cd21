// `ratchet prune`: deletes blobs, checkpoints and leftovers that no campaign of the store needs.
import { Option } from "commander";
import type { Command } from "commander";
import type { Amount, Pruned } from "../client/maintenance/prune.ts";
import { openStoreClient, using } from "./context.ts";
import { parseDuration } from "./durations.ts";
import { data, json, note } from "./output.ts";

interface PruneFlags {
  dryRun?: boolean;
  grace: number;
  json?: boolean;
}

export const pruneVerb = (program: Command): Command =>
  program
    .command("prune")
    .description(
      "delete blobs that no campaign needs, checkpoints of completed campaigns, and files of killed writers",
    )
    .option("--dry-run", "only print what would be deleted")
    .addOption(
      new Option(
        "--grace <duration>",
        "keep everything written within this time; use more than the longest stage takes",
      )
        .argParser(parseDuration)
        .default(parseDuration("24h"), "24h"),
    )
    .option("--json", "print JSON (docs/cli.md)")
    .action(async ({ dryRun = false, grace: graceMs, json: asJson }: PruneFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const pruned = await client.prune({ dryRun, graceMs });
        if (asJson) return json(pruned);
        data(prunedText(pruned));
        if (dryRun) note("nothing was deleted; run without --dry-run to delete");
      });
    });

function prunedText({ dryRun, campaigns, kept, young, blobs, checkpoints, leftovers }: Pruned): string {
  const amount = ({ count, sizeBytes }: Amount): string => `${count} (${(sizeBytes / 1e6).toFixed(1)} MB)`;
  return [
    `${dryRun ? "would delete" : "deleted"} blobs ${amount(blobs)}, checkpoints ${amount(checkpoints)}, ` +
      `leftovers ${amount(leftovers)}`,
    `kept blobs ${amount(kept)} of ${campaigns} campaigns; too young to delete: ${amount(young)}`,
  ].join("\n");
}
