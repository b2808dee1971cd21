// Which Temporal server and namespace this is: an identity that survives restarts of the server. The worker writes it into `opened`
// rows, `start` compares it. A server that Ratchet itself started has an identity of its own, kept beside its database.
import type { WorkflowService } from "@temporalio/client";

/** `<cluster id>/<namespace id>`: both are made once, with the database. */
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
