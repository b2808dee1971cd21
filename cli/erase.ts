// `ratchet erase`: take a person's rows out of the store.
import type { Command } from "commander";
import { openStoreClient, using } from "./context.ts";
import { data, json, note } from "./output.ts";

interface EraseFlags {
  why: string;
  by?: string;
  requestId?: string;
  dryRun?: boolean;
  json?: boolean;
}

export const eraseVerb = (program: Command): Command =>
  program
    .command("erase")
    .description(
      "erase a prompt, its answers and its pairs from all campaigns of the store; digests and a ledger row stay",
    )
    .argument("<prompt id>", "id of the prompt's row")
    .requiredOption("--why <text>", "why, for the ledger")
    .option("--by <name>", "who, for the ledger (default: user@host)")
    .option("--request-id <id>", "the same id is recorded once")
    .option("--dry-run", "only show what would be erased")
    .option("--json", "as JSON (docs/cli.md)")
    .action(
      async (promptId: string, { json: asJson, dryRun = false, ...who }: EraseFlags, command: Command) => {
        await using(openStoreClient(command), async (client) => {
          const erased = await client.erase(promptId, { ...who, dryRun });
          if (asJson) return json(erased);
          const { rows, blobs, campaigns } = erased;
          data(
            `${dryRun ? "would erase" : "erased"} ${rows} rows in ${blobs} blobs of ${campaigns.join(", ") || "no campaign"}`,
          );
          note(
            "weights that were trained on them stay, and so do older versions of objects where the bucket keeps versions",
          );
        });
      },
    );
