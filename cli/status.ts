// `ratchet status`: the state of one campaign.
import type { Command } from "commander";
import type { StatusView } from "../client/follow/status.ts";
import { showAmended } from "../campaign/spec/amend.ts";
import { visibleLine } from "../errors/index.ts";
import { showDuration } from "../report/duration.ts";
import { openClientIfReachable, using } from "./context.ts";
import { data, json } from "./output.ts";
import { retryingLine, stageLine, waitingLine } from "./progress.ts";

export const statusVerb = (program: Command): Command =>
  program
    .command("status")
    .description("print the state of a campaign and its running stages")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, flags: { json?: boolean }, command: Command) => {
      await using(openClientIfReachable(command), async (client) => {
        const status = await client.status(campaign);
        if (flags.json) json(status);
        else data(statusText(status));
      });
    });

function statusText(view: StatusView): string {
  const {
    campaignId,
    name,
    status,
    finished,
    iterations,
    epoch,
    promoted,
    baselines,
    updatedAt,
    specDigest,
    amendments = [],
    pausing,
    failure,
    labels,
    live,
  } = view;
  return [
    `${campaignId}  ${status}${name === campaignId ? "" : `  (${name})`}`,
    ...(pausing ? [`pausing     after iteration ${pausing.after}`] : []),
    `iterations  ${finished < 0 ? "bootstrap not finished" : `${finished} of ${iterations} finished`}`,
    ...(promoted ? [`promoted    iteration ${promoted.iteration}, ${promoted.policy.slice(0, 12)}`] : []),
    ...(baselines.length > 0 ? [`baselines   ${baselines.join(", ")}`] : []),
    `spec        ${specDigest.slice(0, 12)}`,
    ...amendments.map((amendment) => `amended     ${showAmended(amendment)}`),
    `epoch       ${epoch}`,
    `last row    ${updatedAt.replace("T", " ").slice(0, 19)}`,
    ...(failure ? [`failure     ${failure.code}: ${failure.message}`] : []),
    ...(labels ? [`labels      ${peopleLine(labels)}`] : []),
    ...liveLines(view),
    ...(live?.stages ?? []).map((stage) => `running     ${stageLine(stage, { bar: false })}`),
    ...(live?.retrying ?? []).map((retrying) => `retrying    ${retryingLine(retrying, Date.now())}`),
    ...(live?.waiting ?? []).map((waiting) => waitingLine(waiting, Date.now())),
  ]
    .map(visibleLine)
    .join("\n");
}

function peopleLine({ labels, slots, withdrawn, active, leftMs }: NonNullable<StatusView["labels"]>): string {
  const labelers = active === 1 ? "1 labeler" : `${active} labelers`;
  const left =
    leftMs === undefined
      ? ""
      : leftMs === 0
        ? ", the deadline has passed"
        : `, about ${showDuration(leftMs)} left`;
  const gone = withdrawn === undefined ? "" : `, ${withdrawn} withdrawn`;
  return `waiting for people: ${labels} of ${slots}${gone}, ${labelers} active${left}`;
}

/** If record and server differ, a line that says so and how to resume. */
function liveLines({ status, live }: StatusView): string[] {
  const open = status === "running" || status === "paused";
  if (!live || !open || live.run === "running") return [];
  const found = live.run === undefined ? "does not know this campaign" : `says ${live.run}`;
  return [`server      ${found}; ratchet start resumes from the ledger`];
}
