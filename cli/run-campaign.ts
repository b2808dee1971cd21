// The part of `run` that is the same on every server: start or resume the campaign, follow it, print its
// outcome.
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import type { CampaignOutcome } from "../client/follow/outcome.ts";
import type { RatchetClient } from "../client/ratchet-client.ts";
import type { Runs } from "../dev/runs.ts";
import { formatTable } from "../report/table.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import { noteChecks } from "./checked-lines.ts";
import { repeatFlags } from "./context.ts";
import type { Globals } from "./context.ts";
import { exitCodeOf, printOutcome } from "./exit.ts";
import { follow } from "./follow.ts";
import { data, json, lookOf, note, suggest } from "./output.ts";
import { sayMissingAttributes, startedLine } from "./start.ts";
import type { StartFlags } from "./start.ts";

export interface RunRequest {
  spec: LoadedSpec;
  flags: StartFlags;
  globals: Globals;
}

/** Where a `run` without a configured server works. */
export interface RunPlace {
  stateDir: string;
  store: string;
  runs: Runs;
}

export interface Followed {
  /** Absent if `signal` aborted first. */
  code?: number;
  /** Absent if the campaign may not have been started. */
  id?: string;
}

export async function followToEnd(
  client: RatchetClient,
  request: RunRequest,
  temporal: TemporalAddress,
  signal: AbortSignal,
): Promise<Followed> {
  const { spec, flags } = request;
  const options = { ...flags, campaignId: flags.id, onChecked: noteChecks };
  const started = await beforeAbort(client.start(spec, options), signal);
  if (started === undefined) return {};
  const id = started.campaignId;
  note(startedLine(started));
  const missing = await beforeAbort(client.missingSearchAttributes(), signal);
  sayMissingAttributes(missing ?? [], temporal);
  const outcome = await follow(client, id, { signal });
  return outcome ? { id, code: await finish(client, id, outcome, request) } : { id };
}

/**
 * Undefined as soon as the signal aborts. What the work throws after that is a consequence: its server was
 * stopped under it.
 */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => resolve(undefined);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    work.then(resolve, reject);
  });
}

async function finish(
  client: RatchetClient,
  campaignId: string,
  outcome: CampaignOutcome,
  { flags: { json: asJson }, globals }: RunRequest,
): Promise<number> {
  const look = lookOf(process.stdout);
  if (asJson) json({ campaignId, ...outcome });
  else if (outcome.status === "completed") data(formatTable(await client.compare(campaignId), look), look);
  printOutcome(outcome);
  const flags = repeatFlags(globals);
  suggest([
    `history ${campaignId}${flags}`,
    `samples ${campaignId} --limit 3${flags}`,
    `verify ${campaignId}${flags}`,
    `export ${campaignId} --out ./model${flags}`,
  ]);
  return exitCodeOf(outcome);
}
