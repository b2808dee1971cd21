/* oxlint-disable max-lines -- one class: each call of the interface */
// The gateway on Temporal's SDK. An unknown workflow is undefined, every other answer of gRPC is an error of
// ours (grpc.ts).
import { hostname, userInfo } from "node:os";
import {
  Client,
  Connection,
  QueryNotRegisteredError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from "@temporalio/client";
import { ApplicationFailure, defineSearchAttributeKey, TypedSearchAttributes } from "@temporalio/common";
import { codeOf, RatchetError } from "../errors/index.ts";
import { campaignWorkflowId, SEARCH_ATTRIBUTES, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import type { CampaignInput, StageInput } from "../campaign/types.ts";
import { labelsGiven, progress, stageProgress } from "../workflows/messages.ts";
import type {
  CampaignProgress,
  ControlReply,
  ControlRequest,
  ControlVerb,
  StageProgress,
} from "../workflows/messages.ts";
import { sendControl } from "./control.ts";
import { runOf } from "./describe-run.ts";
import { failureOf } from "./firing-run.ts";
import type { Gateway, PlaceWorkflow, Run, TemporalAddress } from "./gateway.ts";
import { innermost, isGrpcError, isQueryWithoutWorker, translated, unreachable } from "./grpc.ts";
import { pollersOf } from "./pollers.ts";
import type { Poller } from "./pollers.ts";
import { ALL_SEARCH_ATTRIBUTES, missingSearchAttributes } from "./search-attributes.ts";
import type { Schedules } from "./schedules.ts";
import { serverIdentity } from "./server-identity.ts";
import { TemporalSchedules } from "./temporal-schedules.ts";

const CALL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

const CAMPAIGN = defineSearchAttributeKey("RatchetCampaign", SEARCH_ATTRIBUTES.RatchetCampaign);

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
    const identity = `${userInfo().username}@${hostname()}`;
    this.client = new Client({ connection, namespace: at.namespace, identity });
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
      // The SDK reports the connect timeout without a gRPC status.
      throw error instanceof RatchetError ? error : unreachable(at, error);
    }
  }

  get schedules(): Schedules {
    return new TemporalSchedules(this.client, (work) => this.call(work));
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
        return runOf(await this.client.workflow.getHandle(workflowId).describe());
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    });
  }

  failure(workflowId: string): Promise<{ code: string; message: string } | undefined> {
    return this.call(() => failureOf(this.client.workflow.getHandle(workflowId)));
  }

  async start(
    input: CampaignInput,
    { replace, summary }: { replace: boolean; summary: string },
  ): Promise<{ runId: string }> {
    const missing = await this.missingSearchAttributes();
    const attributes = new TypedSearchAttributes([{ key: CAMPAIGN, value: input.campaignId }]);
    const handle = await this.call(() =>
      this.client.workflow.start("campaign", {
        workflowId: campaignWorkflowId(input.campaignId),
        taskQueue: WORKFLOW_QUEUE,
        args: [input],
        workflowIdReusePolicy: "ALLOW_DUPLICATE",
        workflowIdConflictPolicy: replace ? "TERMINATE_EXISTING" : "USE_EXISTING",
        staticSummary: summary,
        memo: { store: input.storeName },
        typedSearchAttributes: missing.includes(CAMPAIGN.name) ? undefined : attributes,
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
      if (!(error instanceof WorkflowFailedError)) throw translated(this, error);
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

  control(
    campaignId: string,
    verb: ControlVerb,
    request: ControlRequest,
    options: { updateId: string; timeoutMs: number },
  ): Promise<ControlReply> {
    return sendControl(this.client, this, { campaignId, verb, request, ...options });
  }

  async labelsGiven(campaignId: string, place: string): Promise<void> {
    const workflowId = `${campaignWorkflowId(campaignId)}/${place}`;
    if ((await this.run(workflowId))?.status !== "running") return;
    await this.call(() => this.client.workflow.getHandle(workflowId).signal(labelsGiven));
  }

  pollers(queue: string): Promise<Poller[]> {
    return this.call(() => pollersOf(this.connection, this.namespace, queue));
  }

  async missingSearchAttributes(): Promise<string[]> {
    try {
      return await this.call(() => missingSearchAttributes(this.connection, this.namespace));
    } catch (error) {
      // Temporal Cloud has no operator service.
      if (isGrpcError(error)) return [...ALL_SEARCH_ATTRIBUTES];
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
      const unknown = error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError;
      if (unknown || isQueryWithoutWorker(error)) return undefined;
      throw translated(this, error);
    }
  }

  private async call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, work);
    } catch (error) {
      throw translated(this, error);
    }
  }
}
