// The identity of a Temporal server and namespace, the same after a restart. The worker writes it into
// `opened` rows and `start` compares it. A server that Ratchet started has its own identity, in a file beside
// its database (dev/database.ts).
import type { WorkflowService } from "@temporalio/client";

/** `<cluster id>/<namespace id>`: the server makes both once, with its database. */
export async function serverIdentity(
  { workflowService }: { workflowService: WorkflowService },
  namespace: string,
): Promise<string> {
  const [cluster, described] = await Promise.all([
    workflowService.getClusterInfo({}),
    workflowService.describeNamespace({ namespace }),
  ]);
  return `${cluster.clusterId ?? "unknown"}/${described.namespaceInfo?.id ?? namespace}`;
}
