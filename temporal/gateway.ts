// The part of Temporal that the client uses, as an interface: what the rules need to know, without gRPC. Implemented on the SDK in
// temporal-gateway.ts and by a fake in tests.
import type { ConnectionOptions } from "@temporalio/client";
import type { CampaignInput, StageInput } from "../campaign/types.ts";
import type { CampaignProgress, ControlReply, ControlRequest, StageProgress } from "../workflows/messages.ts";

/** What to do if no Temporal server is found. */
export const UNREACHABLE_HINT =
  "start one here with `ratchet dev`, or name yours with --address or TEMPORAL_ADDRESS";

/** Where a server is and how to talk to it. */
export interface TemporalAddress {
  address: string;
  namespace: string;
  connection: Pick<ConnectionOptions, "tls" | "apiKey" | "metadata">;
  /** Identity of a server that Ratchet itself started; others are known by their cluster id. */
  identity?: string;
}

export type RunStatus = "running" | "completed" | "failed" | "cancelled" | "terminated" | "timed-out";

/** Newest run of a workflow id. */
export interface Run {
  runId: string;
  status: RunStatus;
  /** Store of the campaign that it runs. */
  store?: string;
  /** A workflow task lies on the queue since then. */
  taskSinceMs?: number;
  pending: PendingActivity[];
}

/** One activity that the server waits for. */
export interface PendingActivity {
  type: string;
  state: "scheduled" | "started" | "backing-off";
  attempt: number;
  /** When it was last put on its queue. */
  scheduledAtMs: number;
  heartbeatAtMs?: number;
  /** What the activity last said; undefined before its first heartbeat. */
  heartbeat?: unknown;
  lastFailure?: string;
  /** Our code of it; absent where Temporal itself ended the attempt. */
  failureCode?: string;
  /** While it backs off: when it is tried again. */
  nextAtMs?: number;
}

/** Absent or empty `pollers` = nobody has polled within the server's memory of about 5 minutes. */
export interface Poller {
  identity: string;
  lastPollMs: number;
}

/** Workflows that make one place: its stages in order, each adopting what is finished. */
export type PlaceWorkflow = "bootstrap" | "iteration" | "baseline";

export type ControlVerb = "pause" | "resume" | "cancel";

/** Every call throws `temporal_unreachable` where the server does not answer. */
export interface Gateway {
  readonly address: string;
  readonly namespace: string;
  /** Identity of the server, the same after a restart; written to the ledger by `open`. */
  identity(): Promise<string>;
  /** Undefined where the server does not know the id. */
  run(workflowId: string): Promise<Run | undefined>;
  /** Code and message that the newest run failed with. */
  failure(workflowId: string): Promise<{ code: string; message: string } | undefined>;
  /** Starts, or attaches to an open run of that id; `replace` ends an open run first. */
  start(input: CampaignInput, options: { replace: boolean; summary: string }): Promise<{ runId: string }>;
  /** Runs the workflow of one place to its end, or waits for the one that runs; throws the failure with its code. */
  runPlace<R>(workflowId: string, type: PlaceWorkflow, input: StageInput, summary: string): Promise<R>;
  /** Undefined where no worker answered within `timeoutMs`. */
  progress(campaignId: string, timeoutMs: number): Promise<CampaignProgress | undefined>;
  /** Null between stages; undefined where nobody answered or the child is gone. */
  stageProgress(workflowId: string, timeoutMs: number): Promise<StageProgress | null | undefined>;
  /** Throws the workflow's refusal; RatchetError no_worker where it was not accepted in time. */
  control(
    campaignId: string,
    verb: ControlVerb,
    request: ControlRequest,
    options: { updateId: string; timeoutMs: number },
  ): Promise<ControlReply>;
  pollers(queue: string): Promise<Poller[]>;
  /** Names of ours that the namespace has not registered; empty where the server does not say. */
  missingSearchAttributes(): Promise<string[]>;
  close(): Promise<void>;
}
