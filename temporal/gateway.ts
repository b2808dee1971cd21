// The part of Temporal that the client uses, as an interface without gRPC. temporal-gateway.ts implements it
// on the SDK, test/support/fake-gateway.ts in memory.
import type { ConnectionOptions } from "@temporalio/client";
import type { CampaignInput, StageInput } from "../campaign/types.ts";
import type {
  CampaignProgress,
  ControlReply,
  ControlRequest,
  ControlVerb,
  StageProgress,
} from "../workflows/messages.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Poller } from "./pollers.ts";
import type { Schedules } from "./schedules.ts";

export type { ControlReply, ControlVerb };

/** What to do if no Temporal server is found. */
export const UNREACHABLE_HINT =
  "start one here with `ratchet dev`, or name yours with --address or TEMPORAL_ADDRESS";

/** Where a server is and how to talk to it. */
export interface TemporalAddress {
  address: string;
  namespace: string;
  connection: Pick<ConnectionOptions, "tls" | "apiKey" | "metadata">;
  /** Identity of a server that Ratchet started; the others have that of server-identity.ts. */
  identity?: string;
}

export type RunStatus = "running" | "completed" | "failed" | "cancelled" | "terminated" | "timed-out";

/** Newest run of a workflow id. */
export interface Run {
  runId: string;
  status: RunStatus;
  /** Store of the campaign that it runs. */
  store?: string;
  /** Since when a workflow task waits for a worker. */
  taskSinceMs?: number;
  pending: PendingActivity[];
}

/** One activity that has not ended. */
export interface PendingActivity {
  type: string;
  state: "scheduled" | "started" | "backing-off";
  attempt: number;
  /** When this attempt was put on its queue. */
  scheduledAtMs: number;
  heartbeatAtMs?: number;
  /** Of the newest heartbeat; undefined before the first one. */
  heartbeat?: Heartbeat;
  lastFailure?: string;
  /** Our code of `lastFailure`; absent if Temporal itself ended the attempt. */
  failureCode?: string;
  /** When it is retried; present only while it backs off. */
  nextAtMs?: number;
}

/** Workflows of one place: each runs the place's stages in order and adopts finished work. */
export type PlaceWorkflow = "bootstrap" | "iteration" | "baseline";

/** Every call throws `temporal_unreachable` if the server does not answer. */
export interface Gateway {
  readonly address: string;
  readonly namespace: string;
  readonly schedules: Schedules;
  /** Identity of the server, the same after a restart; written to the ledger by `open`. */
  identity(): Promise<string>;
  /** Undefined if the server does not know the id. */
  run(workflowId: string): Promise<Run | undefined>;
  /** Code and message that the newest run failed with. */
  failure(workflowId: string): Promise<{ code: string; message: string } | undefined>;
  /** Starts, or attaches to an open run of that id; `replace` ends an open run first. */
  start(input: CampaignInput, options: { replace: boolean; summary: string }): Promise<{ runId: string }>;
  /**
   * Runs the workflow of one place to its end, or waits for its open run. Throws its failure, with the code.
   */
  runPlace<R>(workflowId: string, type: PlaceWorkflow, input: StageInput, summary: string): Promise<R>;
  /** Undefined if no worker answered within `timeoutMs`. */
  progress(campaignId: string, timeoutMs: number): Promise<CampaignProgress | undefined>;
  /** Null between stages; undefined if no worker answered or the server does not know the id. */
  stageProgress(workflowId: string, timeoutMs: number): Promise<StageProgress | null | undefined>;
  /** Throws the workflow's refusal, or `no_worker` if no worker accepted it in time. */
  control(
    campaignId: string,
    verb: ControlVerb,
    request: ControlRequest,
    options: { updateId: string; timeoutMs: number },
  ): Promise<ControlReply>;
  /** Tells the workflow of a place that labels have arrived. Does nothing if it does not run. */
  labelsGiven(campaignId: string, place: string): Promise<void>;
  pollers(queue: string): Promise<Poller[]>;
  /** Names of ours that the namespace has not registered; all of them if the server does not say. */
  missingSearchAttributes(): Promise<string[]>;
  close(): Promise<void>;
}
