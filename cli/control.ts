// `ratchet pause`, `resume`, `cancel`: recorded with who and why before they take effect.
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
  pause: "let running work save itself and stop until resumed",
  resume: "go on with a paused campaign",
  cancel: "end a campaign; what is finished stays in the store",
};

/** What may come next. */
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
      .option("--why <text>", "reason, kept in the record")
      .option("--by <name>", "who asks (default: user@host)")
      .option("--request-id <id>", "the same id is carried out once")
      .option("--json", "the new status as JSON")
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
