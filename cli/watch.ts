// `ratchet watch`: live progress of a campaign until it ends.
import type { Command } from "commander";
import { globalsOf, openClient, using } from "./context.ts";
import { readerGone } from "./closed-pipes.ts";
import { data } from "./output.ts";
import { parseLimit, waitForEnd } from "./wait.ts";
import type { Limit } from "./wait.ts";

interface WatchFlags {
  timeout?: Limit;
  json?: boolean;
}

export const watchVerb = (program: Command): Command =>
  program
    .command("watch")
    .description("follow a campaign to its end; Ctrl-C stops watching, not the campaign")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--timeout <time>", "stop watching after 90s, 15min, 2h, … (exit 14)", parseLimit)
    .option("--json", "print events as JSON lines (docs/cli.md)")
    .action(async (campaign: string, { timeout: limit, json }: WatchFlags, command: Command) => {
      await using(openClient(command), async (client) => {
        const { campaignId } = await client.status(campaign);
        const waiting = { globals: globalsOf(command), limit, events: json === true, until: readerGone };
        const outcome = await waitForEnd(client, campaignId, waiting);
        if (outcome && !json) data(`${campaignId} ${outcome.status}`);
      });
    });
