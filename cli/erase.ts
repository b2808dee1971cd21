// `ratchet erase`: remove a person's rows from the store.
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
      "erase a prompt, its answers and its pairs from all campaigns of the store; their digests stay",
    )
    .argument("<prompt id>", "id of the prompt")
    .requiredOption("--why <text>", "reason, for the ledger")
    .option("--by <name>", "your name, for the ledger (default: user@host)")
    .option("--request-id <id>", "requests with the same id are recorded once")
    .option("--dry-run", "only print what would be erased")
    .option("--json", "print JSON (docs/cli.md)")
    .action(
      async (promptId: string, { json: asJson, dryRun = false, ...who }: EraseFlags, command: Command) => {
        await using(openStoreClient(command), async (client) => {
          const erased = await client.erase(promptId, { ...who, dryRun });
          if (asJson) return json(erased);
          const { rows, blobs, campaigns } = erased;
          data(
            `${dryRun ? "would erase" : "erased"} ${rows} rows in ${blobs} blobs ` +
              `of ${campaigns.join(", ") || "no campaign"}`,
          );
          note(
            "not erased: weights that were trained on these rows, " +
              "and older versions of objects if the bucket keeps versions",
          );
        });
      },
    );
