// `ratchet pause`, `resume`, `cancel`. The ledger records who and why before they take effect.
import type { Command } from "commander";
import type { ControlVerb } from "../temporal/gateway.ts";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { data, json, suggest } from "./output.ts";

interface ControlFlags {
  why?: string;
  by?: string;
  requestId?: string;
  json?: boolean;
}

const DOES: Record<ControlVerb, string> = {
  pause: "save running work and stop until `resume`",
  resume: "resume a paused campaign",
  cancel: "end a campaign; finished results stay in the store",
};

/** A useful next command. */
const NEXT: Record<ControlVerb, (id: string) => string> = {
  pause: (id) => `resume ${id}`,
  resume: (id) => `watch ${id}`,
  cancel: (id) => `history ${id}`,
};

const controlVerb =
  (verb: ControlVerb) =>
  (program: Command): Command =>
    program
      .command(verb)
      .description(DOES[verb])
      .argument("<campaign>", "campaign id, or its beginning")
      .option("--why <text>", "reason, for the ledger")
      .option("--by <name>", "your name, for the ledger (default: user@host)")
      .option("--request-id <id>", "requests with the same id are carried out once")
      .option("--json", "print the new status as JSON")
      .action(async (campaign: string, flags: ControlFlags, command: Command) => {
        await using(openClient(command), async (client) => {
          const { campaignId } = await client.status(campaign);
          const reply = await client[verb](campaignId, flags);
          if (flags.json) json({ campaignId, ...reply });
          else data(`${campaignId} ${reply.status}`);
          suggest([`${NEXT[verb](campaignId)}${repeatFlags(globalsOf(command))}`]);
        });
      });

export const pauseVerb = controlVerb("pause");
export const resumeVerb = controlVerb("resume");
export const cancelVerb = controlVerb("cancel");
