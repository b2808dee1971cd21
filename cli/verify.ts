// `ratchet verify`: re-hash everything that a campaign stands on.
import type { Command } from "commander";
import { openStoreClient, using } from "./context.ts";
import { data, json, note } from "./output.ts";

/** As for any damaged artifact. */
const DAMAGED = 3;

export const verifyVerb = (program: Command): Command =>
  program
    .command("verify")
    .description("re-hash every blob, manifest and ledger row of a campaign (exit 3 where something is damaged)")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--json", "as JSON (docs/cli.md)")
    .action(async (campaign: string, flags: { json?: boolean }, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const verification = await client.verify(campaign);
        if (flags.json) json(verification);
        process.exitCode = verification.problems.length > 0 ? DAMAGED : 0;
      });
    });
