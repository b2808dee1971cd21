// Gateway on the Temporal SDK. Translates gRPC's answers once: not found = undefined, no answer = temporal_unreachable.
import { hostname, userInfo } from "node:os";
import {
  Client,
  Connection,
  defaultPayloadConverter,
  isGrpcServiceError,
  QueryNotRegisteredError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from "@temporalio/client";
import { ApplicationFailure, defineSearchAttributeKey, TypedSearchAttributes } from "@temporalio/common";
import type { temporal } from "@temporalio/proto";
import { codeOf, RatchetError } from "../errors/index.ts";
import { campaignWorkflowId, SEARCH_ATTRIBUTES, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import type { CampaignInput, StageInput } from "../campaign/types.ts";
import { progress, stageProgress } from "../workflows/messages.ts";
import type { CampaignProgress, ControlReply, ControlRequest, StageProgress } from "../workflows/messages.ts";
import { UNREACHABLE_HINT } from "./gateway.ts";
import type {
  ControlVerb,
  Gateway,
  PendingActivity,
  PlaceWorkflow,
  Poller,
  Run,
  RunStatus,
  TemporalAddress,
} from "./gateway.ts";
import { serverIdentity } from "./server-identity.ts";

/** gRPC status codes by what a caller can do about them. */
const DEADLINE_EXCEEDED = 4;
const REFUSED = new Set([7 /* PERMISSION_DENIED */, 16 /* UNAUTHENTICATED */]);
/** The server is away, starting, overloaded or in trouble: it may answer the next time. */
const AWAY = new Set([
  1 /* CANCELLED */,
  2 /* UNKNOWN */,
  DEADLINE_EXCEEDED,
  8 /* RESOURCE_EXHAUSTED */,
  10 /* ABORTED */,
  13 /* INTERNAL */,
  14 /* UNAVAILABLE */,
]);
const NOT_FOUND = 5;
const CALL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const CONTROL_DONE_MS = 30_000;

export class TemporalGateway implements Gateway {
  readonly address: string;
  readonly namespace: string;
  private readonly connection: Connection;
  private readonly client: Client;
  private knownIdentity: string | undefined;

  private constructor(at: TemporalAddress, connection: Connection) {
    this.address = at.address;
    this.namespace = at.namespace;
    this.knownIdentity = at.identity;
    this.connection = connection;
    this.client = new Client({
      connection,
      namespace: at.namespace,
      identity: `${userInfo().username}@${hostname()}`,
    });
  }

  static async connect(at: TemporalAddress): Promise<TemporalGateway> {
    const connection = Connection.lazy({
      address: at.address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...at.connection,
    });
    const gateway = new TemporalGateway(at, connection);
    try {
      await gateway.call(() => connection.ensureConnected());
      return gateway;
    } catch (error) {
      await connection.close();
      // The SDK says only that it did not connect in time, without gRPC's status.
      throw error instanceof RatchetError ? error : gateway.unreachable(error);
    }
  }

  async identity(): Promise<string> {
    this.knownIdentity ??= await this.call(() => serverIdentity(this.connection, this.namespace));
    return this.knownIdentity;
  }

  async serverVersion(): Promise<string> {
    return (await this.call(() => this.connection.workflowService.getSystemInfo({}))).serverVersion;
  }

  run(workflowId: string): Promise<Run | undefined> {
    return this.call(async () => {
      try {
        const { runId, status, memo, raw } = await this.client.workflow.getHandle(workflowId).describe();
        const taskSinceMs = timeMs(raw.pendingWorkflowTask?.originalScheduledTime);
        const pending = (raw.pendingActivities ?? []).map(pendingActivity);
        const store = memo?.["store"];
        return {
          runId,
          status: RUN_STATUS[status.name] ?? "failed",
          ...(typeof store === "string" ? { store } : {}),
          ...(taskSinceMs ? { taskSinceMs } : {}),
          pending,
        };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    });
  }

  async failure(workflowId: string): Promise<{ code: string; message: string } | undefined> {
    try {
      await this.call(() => this.client.workflow.getHandle(workflowId).result());
      return undefined;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { cause } = error;
      const message = cause?.message ?? error.message;
      return {
        code: (cause instanceof ApplicationFailure ? cause.type : undefined) ?? "unclassified",
        message,
      };
    }
  }

  async start(
    input: CampaignInput,
    { replace, summary }: { replace: boolean; summary: string },
  ): Promise<{ runId: string }> {
    const missing = await this.missingSearchAttributes();
    const campaign = defineSearchAttributeKey("RatchetCampaign", SEARCH_ATTRIBUTES.RatchetCampaign);
    const handle = await this.call(() =>
      this.client.workflow.start("campaign", {
        workflowId: campaignWorkflowId(input.campaignId),
        taskQueue: WORKFLOW_QUEUE,
        args: [input],
        workflowIdReusePolicy: "ALLOW_DUPLICATE",
        workflowIdConflictPolicy: replace ? "TERMINATE_EXISTING" : "USE_EXISTING",
        staticSummary: summary,
        memo: { store: input.storeName },
        ...(missing.includes("RatchetCampaign")
          ? {}
          : {
              typedSearchAttributes: new TypedSearchAttributes([{ key: campaign, value: input.campaignId }]),
            }),
      }),
    );
    return { runId: handle.firstExecutionRunId };
  }

  async runPlace<R>(
    workflowId: string,
    type: PlaceWorkflow,
    input: StageInput,
    staticSummary: string,
  ): Promise<R> {
    const handle = await this.call(() =>
      this.client.workflow.start(type, {
        workflowId,
        taskQueue: WORKFLOW_QUEUE,
        args: [input],
        workflowIdReusePolicy: "ALLOW_DUPLICATE",
        workflowIdConflictPolicy: "USE_EXISTING",
        staticSummary,
      }),
    );
    try {
      return (await handle.result()) as R;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw this.translate(error);
      const cause = innermost(error);
      throw new RatchetError(
        codeOf(cause instanceof ApplicationFailure ? cause.type : undefined),
        cause.message,
        { cause: error },
      );
    }
  }

  progress(campaignId: string, timeoutMs: number): Promise<CampaignProgress | undefined> {
    return this.query(timeoutMs, () =>
      this.client.workflow.getHandle(campaignWorkflowId(campaignId)).query(progress),
    );
  }

  stageProgress(workflowId: string, timeoutMs: number): Promise<StageProgress | null | undefined> {
    return this.query(timeoutMs, () => this.client.workflow.getHandle(workflowId).query(stageProgress));
  }

  async control(
    campaignId: string,
    verb: ControlVerb,
    request: ControlRequest,
    { updateId, timeoutMs }: { updateId: string; timeoutMs: number },
  ): Promise<ControlReply> {
    const handle = this.client.workflow.getHandle(campaignWorkflowId(campaignId));
    const within = <T>(ms: number, ask: () => Promise<T>): Promise<T> =>
      this.connection.withDeadline(Date.now() + ms, ask);
    let accepted = false;
    try {
      const update = await within(timeoutMs, () =>
        handle.startUpdate<ControlReply, [ControlRequest]>(verb, {
          args: [request],
          updateId,
          waitForStage: "ACCEPTED",
        }),
      );
      accepted = true;
      // From here on it is in the campaign's history and will be done, whoever goes away.
      return await within(CONTROL_DONE_MS, () => update.result());
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) throw refusal(error);
      if (error instanceof WorkflowNotFoundError) {
        throw new RatchetError(
          "campaign_ended",
          `campaign ${campaignId} has no open run on ${this.address}`,
          {
            cause: error,
          },
        );
      }
      if (
        error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
        grpcCode(error) === DEADLINE_EXCEEDED
      ) {
        if (accepted) throw unfinished(campaignId, verb, error);
        throw new RatchetError(
          "no_worker",
          `no worker answered the ${verb} of ${campaignId} within ${timeoutMs / 1000} s`,
          { cause: error },
        );
      }
      throw this.translate(error);
    }
  }

  pollers(queue: string): Promise<Poller[]> {
    return this.call(async () => {
      // 1 = workflow, 2 = activity: the workflow queue is polled for both by one worker, the others for activities.
      const taskQueueType = queue === WORKFLOW_QUEUE ? 1 : 2;
      const answer = await this.connection.workflowService.describeTaskQueue({
        namespace: this.namespace,
        taskQueue: { name: queue },
        taskQueueType,
      });
      return (answer.pollers ?? []).map(({ identity, lastAccessTime }) => ({
        identity: identity ?? "",
        lastPollMs: timeMs(lastAccessTime) ?? 0,
      }));
    });
  }

  async missingSearchAttributes(): Promise<string[]> {
    try {
      const known = await this.call(() =>
        this.connection.operatorService.listSearchAttributes({ namespace: this.namespace }),
      );
      return Object.keys(SEARCH_ATTRIBUTES).filter((name) => !(name in (known.customAttributes ?? {})));
    } catch (error) {
      // Cloud namespaces offer no operator service: campaigns work without the attributes, so do without.
      if (isServiceFailure(error)) return Object.keys(SEARCH_ATTRIBUTES);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async query<T>(timeoutMs: number, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.connection.withDeadline(Date.now() + timeoutMs, ask);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError)
        return undefined;
      // A query waits for a worker until its deadline, and fails in other ways when the worker dies under it; a server that is gone
      // says UNAVAILABLE at once.
      const code = grpcCode(error);
      if (code !== undefined && code !== 14 && !REFUSED.has(code)) return undefined;
      throw this.translate(error);
    }
  }

  private async call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, work);
    } catch (error) {
      throw this.translate(error);
    }
  }

  private translate(error: unknown): unknown {
    const code = grpcCode(error);
    if (code === undefined) return error;
    const why = innermost(error).message;
    if (AWAY.has(code)) return this.unreachable(error);
    if (REFUSED.has(code))
      return new RatchetError(
        "temporal_denied",
        `Temporal at ${this.address} refused namespace ${this.namespace}: ${why}`,
        { hint: "check the API key or certificates of your Temporal profile", cause: error },
      );
    if (code === NOT_FOUND)
      return new RatchetError(
        "temporal_namespace_unknown",
        `Temporal at ${this.address} has no namespace ${this.namespace}: ${why}`,
        { hint: "name another with --namespace", cause: error },
      );
    return error;
  }

  private unreachable(cause: unknown): RatchetError {
    return new RatchetError("temporal_unreachable", `no Temporal server answers at ${this.address}`, {
      hint: UNREACHABLE_HINT,
      cause,
    });
  }
}

const RUN_STATUS: Record<string, RunStatus> = {
  RUNNING: "running",
  PAUSED: "running",
  COMPLETED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  TERMINATED: "terminated",
  TIMED_OUT: "timed-out",
  CONTINUED_AS_NEW: "running",
};

function pendingActivity(raw: temporal.api.workflow.v1.IPendingActivityInfo): PendingActivity {
  const next = timeMs(raw.nextAttemptScheduleTime);
  const started = raw.state === 2 /* STARTED */ || raw.state === 3; /* CANCEL_REQUESTED */
  const details = raw.heartbeatDetails?.payloads?.[0];
  const beat = timeMs(raw.lastHeartbeatTime);
  // scheduledTime is that of the first attempt; a retry was put on the queue when its back-off ended.
  const scheduledAtMs = Math.max(timeMs(raw.scheduledTime) ?? 0, timeMs(raw.lastAttemptCompleteTime) ?? 0);
  return {
    type: raw.activityType?.name ?? "",
    state: started ? "started" : next !== undefined && next > Date.now() ? "backing-off" : "scheduled",
    attempt: raw.attempt ?? 1,
    scheduledAtMs,
    ...(beat ? { heartbeatAtMs: beat } : {}),
    ...(details ? { heartbeat: defaultPayloadConverter.fromPayload(details) } : {}),
    ...(raw.lastFailure?.message ? { lastFailure: raw.lastFailure.message } : {}),
    ...(raw.lastFailure?.applicationFailureInfo?.type
      ? { failureCode: raw.lastFailure.applicationFailureInfo.type }
      : {}),
    ...(next !== undefined && next > Date.now() ? { nextAtMs: next } : {}),
  };
}

function timeMs(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number | undefined {
  if (!time) return undefined;
  return Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1e6);
}

/** The workflow's own refusal, with the code that it gave. */
function refusal(error: WorkflowUpdateFailedError): Error {
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return error;
  return new RatchetError(codeOf(cause.type, "refused"), cause.message, { cause: error });
}

const unfinished = (campaignId: string, verb: ControlVerb, cause: unknown): RatchetError =>
  new RatchetError(
    "control_pending",
    `the ${verb} of ${campaignId} was accepted but is not recorded after ${CONTROL_DONE_MS / 1000} s`,
    {
      hint: "it is carried out as soon as a worker polls ratchet-control",
      cause,
    },
  );

/** The SDK wraps gRPC's error once or twice. */
function grpcCode(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at.code;
  return undefined;
}

function innermost(error: unknown): Error {
  let at = error as Error;
  while (at.cause instanceof Error) at = at.cause;
  return at;
}

const isServiceFailure = (error: unknown): boolean => grpcCode(error) !== undefined;
