// `ratchet copy`: move a campaign to another store.
import type { Command } from "commander";
import { findStoreName } from "../client/find.ts";
import { findOptions, globalsOf, openStoreClient, using } from "./context.ts";
import { data, json, suggest } from "./output.ts";

interface CopyFlags {
  to: string;
  why?: string;
  by?: string;
  json?: boolean;
}

export const copyVerb = (program: Command): Command =>
  program
    .command("copy")
    .description("move a campaign to another store, where `start` resumes it; a completed one is only copied")
    .argument("<campaign>", "campaign id, or its beginning")
    .requiredOption("--to <store>", "dir:/path or s3://bucket/prefix; created if it does not exist")
    .option("--why <text>", "reason, for the ledger")
    .option("--by <name>", "your name, for the ledger (default: user@host)")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, { to, json: asJson, ...who }: CopyFlags, command: Command) => {
      const target = findStoreName({ ...findOptions(globalsOf(command)), store: to }) ?? to;
      await using(openStoreClient(command), async (client) => {
        const copied = await client.copy(campaign, target, who);
        if (asJson) return json(copied);
        const { campaignId, rows, manifests, labels, blobs, sizeBytes, moved } = copied;
        data(
          `${campaignId} is ${moved ? "moved" : "copied"} to ${copied.to}: ` +
            `${rows} ledger rows, ${manifests} manifests, ${labels > 0 ? `${labels} labels, ` : ""}` +
            `${blobs} blobs, ${(sizeBytes / 1e6).toFixed(1)} MB`,
        );
        suggest([
          `verify ${campaignId} --store ${copied.to}`,
          ...(moved ? [`start <campaign file> --id ${campaignId} --store ${copied.to}`] : []),
        ]);
      });
    });
