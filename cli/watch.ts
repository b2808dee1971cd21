// `ratchet watch`: live progress of a campaign until it ends.
import type { Command } from "commander";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { detachOnSignal } from "./signals.ts";
import { parseDuration } from "./durations.ts";
import { EXIT } from "./exit-codes.ts";
import { exitCodeOf, printOutcome } from "./exit.ts";
import { follow } from "./follow.ts";
import { readerGone } from "./closed-pipes.ts";
import { data, note, suggest } from "./output.ts";

interface WatchFlags {
  timeout?: string;
  json?: boolean;
}

export const watchVerb = (program: Command): Command =>
  program
    .command("watch")
    .description("follow a campaign to its end; Ctrl-C stops watching, not the campaign")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--timeout <time>", "stop watching after 90s, 15min, 2h, … (exit 14)")
    .option("--json", "print events as JSON lines (docs/cli.md)")
    .action(async (campaign: string, { timeout, json }: WatchFlags, command: Command) => {
      const limit = timeout === undefined ? undefined : AbortSignal.timeout(parseDuration(timeout));
      await using(openClient(command), async (client) => {
        const { campaignId } = await client.status(campaign);
        const detach = detachOnSignal();
        try {
          const signal = AbortSignal.any([detach.signal, readerGone, ...(limit ? [limit] : [])]);
          const outcome = await follow(client, campaignId, { json: json === true, signal });
          if (outcome) {
            if (!json) data(`${campaignId} ${outcome.status}`);
            printOutcome(outcome);
            process.exitCode = exitCodeOf(outcome);
            return;
          }
          note(
            limit?.aborted
              ? `${campaignId} has not ended after ${timeout}`
              : `detached; ${campaignId} keeps running`,
          );
          suggest([`watch ${campaignId}${repeatFlags(globalsOf(command))}`]);
          process.exitCode = limit?.aborted ? EXIT.timedOut : EXIT.detached;
        } finally {
          detach.off();
        }
      });
    });
