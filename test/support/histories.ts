// Reads the histories of a campaign from the Temporal server: every run of its workflow and of its children,
// with the number of events, their bytes and the largest payload. It finds the runs through the histories,
// because a listing may lag behind.
import type { Connection } from "@temporalio/client";

export interface RunHistory {
  workflowId: string;
  type: string;
  events: number;
  /** The size that the server compares with its limit. */
  sizeBytes: number;
  largest: { bytes: number; event: string };
  /** The run ended by continue-as-new. */
  continued: boolean;
}

interface Execution {
  workflowId: string;
  runId: string;
}

export async function readHistories(
  connection: Connection,
  namespace: string,
  workflowId: string,
): Promise<RunHistory[]> {
  const found: RunHistory[] = [];
  const { workflowExecutionInfo } = await connection.workflowService.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  const waiting: Execution[] = [{ workflowId, runId: workflowExecutionInfo?.firstRunId ?? "" }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { run, leadsTo } = await readRun(connection, namespace, next);
    found.push(run);
    waiting.push(...leadsTo);
  }
  return found;
}

type Event = Record<string, unknown> & {
  childWorkflowExecutionStartedEventAttributes?: {
    workflowExecution?: { workflowId?: string | null; runId?: string | null } | null;
  } | null;
  workflowExecutionContinuedAsNewEventAttributes?: { newExecutionRunId?: string | null } | null;
};

async function readRun(
  connection: Connection,
  namespace: string,
  execution: Execution,
): Promise<{ run: RunHistory; leadsTo: Execution[] }> {
  const service = connection.workflowService;
  const { workflowExecutionInfo } = await service.describeWorkflowExecution({ namespace, execution });
  const run: RunHistory = {
    workflowId: execution.workflowId,
    type: workflowExecutionInfo?.type?.name ?? "",
    events: 0,
    sizeBytes: Number(workflowExecutionInfo?.historySizeBytes),
    largest: { bytes: 0, event: "" },
    continued: false,
  };
  const leadsTo: Execution[] = [];
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await service.getWorkflowExecutionHistory({
      namespace,
      execution,
      nextPageToken: nextPageToken ?? null,
    });
    for (const event of (page.history?.events ?? []) as Event[]) {
      run.events += 1;
      const bytes = largestPayload(event);
      if (bytes > run.largest.bytes) run.largest = { bytes, event: kindOf(event) };
      const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
      if (child?.workflowId && child.runId)
        leadsTo.push({ workflowId: child.workflowId, runId: child.runId });
      const next = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      if (!next) continue;
      run.continued = true;
      leadsTo.push({ workflowId: execution.workflowId, runId: next });
    }
    ({ nextPageToken } = page);
  } while (nextPageToken && nextPageToken.length > 0);
  return { run, leadsTo };
}

/** Size in bytes of the largest payload inside `value`. A payload is an object with `metadata` and `data`. */
function largestPayload(value: unknown): number {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return 0;
  const { metadata, data } = value as { metadata?: unknown; data?: unknown };
  if (metadata && data instanceof Uint8Array) return data.length;
  return Math.max(0, ...Object.values(value).map(largestPayload));
}

/** `activityTaskScheduled` */
const kindOf = (event: Event): string =>
  (Object.keys(event).find((key) => key.endsWith("EventAttributes")) ?? "").replace("EventAttributes", "");
