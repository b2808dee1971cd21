// `ratchet list`: all campaigns of the store.
import type { Command } from "commander";
import { formatColumns } from "../report/columns.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json, lookOf } from "./output.ts";

export const listVerb = (program: Command): Command =>
  program
    .command("list")
    .description("list the campaigns of the store")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (flags: { json?: boolean }, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const campaigns = await client.list();
        if (flags.json) return json(campaigns);
        const columns = ["campaign", "status", "iterations", "promoted", "updated"].map((title) => ({
          title,
          align: "left" as const,
        }));
        const rows = campaigns.map(({ campaignId, status, finished, iterations, promoted, updatedAt }) => [
          { text: campaignId },
          { text: status },
          { text: `${Math.max(0, finished)}/${iterations}` },
          { text: promoted ? String(promoted.iteration) : "–" },
          { text: updatedAt.replace("T", " ").slice(0, 16) },
        ]);
        const look = lookOf(process.stdout);
        data(formatColumns(columns, rows, look), look);
      });
    });
