// `ratchet pause`, `resume`, `cancel`, `rollback`. The ledger records who and why before they take effect.
import { Option } from "commander";
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { parseAddress } from "../campaign/ids.ts";
import type { LabelsDecision, PauseAt } from "../campaign/types.ts";
import type { ControlReply, ControlVerb } from "../temporal/gateway.ts";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { parseDuration } from "./durations.ts";
import { data, json, suggest } from "./output.ts";

/** Of every verb that the ledger records. */
export interface RecordedFlags {
  why?: string;
  by?: string;
  requestId?: string;
  json?: boolean;
}

interface ControlFlags extends RecordedFlags {
  extend?: number;
  accept?: boolean;
  at?: PauseAt;
}

/** Verbs of a whole campaign. */
type Whole = Exclude<ControlVerb, "rollback" | "amend">;

const DOES: Record<Whole, string> = {
  pause: "save running work and stop until `resume`",
  resume: "resume a paused campaign",
  cancel: "end a campaign; finished results stay in the store",
};

/** A useful next command. */
const NEXT: Record<Whole, (id: string) => string> = {
  pause: (id) => `resume ${id}`,
  resume: (id) => `watch ${id}`,
  cancel: (id) => `history ${id}`,
};

function decisionOf(extendMs: number | undefined, accept = false): LabelsDecision | undefined {
  if (extendMs !== undefined && accept)
    throw new RatchetError("usage_invalid", "--extend waits for more labels, and --accept does not");
  return accept ? { accept: true } : extendMs === undefined ? undefined : { extendMs };
}

const controlVerb =
  (verb: Whole) =>
  (program: Command): Command =>
    recorded(program.command(verb).description(DOES[verb]))
      .argument("<campaign>", "campaign id, or its beginning")
      .action(async (campaign: string, flags: ControlFlags, command: Command) => {
        await using(openClient(command), async (client) => {
          const { campaignId } = await client.status(campaign);
          const { extend, accept, ...rest } = flags;
          const labels = decisionOf(extend, accept);
          report(campaignId, await client[verb](campaignId, { ...rest, labels }), flags);
          suggest([`${NEXT[verb](campaignId)}${repeatFlags(globalsOf(command))}`]);
        });
      });

export const recorded = (command: Command): Command =>
  command
    .option("--why <text>", "reason, for the ledger")
    .option("--by <name>", "your name, for the ledger (default: user@host)")
    .option("--request-id <id>", "requests with the same id are carried out once")
    .option("--json", "print the new status as JSON");

function report(campaignId: string, reply: ControlReply, flags: ControlFlags): void {
  if (flags.json) json({ campaignId, ...reply });
  else data(`${campaignId} ${reply.status}${pausing(reply)}`);
}

const pausing = ({ pausingAfter }: ControlReply): string =>
  pausingAfter === undefined ? "" : `, pausing after iteration ${pausingAfter}`;

export const pauseVerb = (program: Command): Command =>
  controlVerb("pause")(program).addOption(
    new Option(
      "--at <when>",
      "now: save running work; shard: let running shards and trainings end; iteration: let the iteration end",
    )
      .choices(["now", "shard", "iteration"])
      .default("now"),
  );

/** `resume` also ends a pause for too few labels. */
export const resumeVerb = (program: Command): Command =>
  controlVerb("resume")(program)
    .option(
      "--extend <duration>",
      "too few labels: wait for more, this much longer than the deadline",
      parseDuration,
    )
    .option("--accept", "too few labels: train on those that there are");

export const cancelVerb = controlVerb("cancel");

export const rollbackVerb = (program: Command): Command =>
  recorded(
    program
      .command("rollback")
      .description("make an earlier iteration the newest again; those after it stay in the store"),
  )
    .argument("<campaign>/<iteration>", "the iteration to go on from: night-3/2; 0 is the bootstrap")
    .action(async (address: string, flags: ControlFlags, command: Command) => {
      await using(openClient(command), async (client) => {
        const { campaignId } = await client.status(parseAddress(address)?.campaignId ?? address);
        report(campaignId, await client.rollback(address, flags), flags);
        suggest([`history ${campaignId}${repeatFlags(globalsOf(command))}`]);
      });
    });
