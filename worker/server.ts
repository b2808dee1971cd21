// Which Temporal server this is: an identity that survives restarts, and whether our search attributes are registered there.
import type { NativeConnection } from "@temporalio/worker";

export const SEARCH_ATTRIBUTES = ["RatchetPhase", "RatchetIteration"] as const;

/** `<cluster id>/<namespace id>`: both are made once, with the database. */
export async function serverIdentity(connection: NativeConnection, namespace: string): Promise<string> {
  const [cluster, described] = await Promise.all([
    connection.workflowService.getClusterInfo({}),
    connection.workflowService.describeNamespace({ namespace }),
  ]);
  return `${cluster.clusterId ?? "unknown"}/${described.namespaceInfo?.id ?? namespace}`;
}

/** False where they are missing or may not be asked for: campaigns work without, only the web UI's filters do not. */
export async function searchAttributesRegistered(connection: NativeConnection, namespace: string): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return SEARCH_ATTRIBUTES.every((name) => name in (customAttributes ?? {}));
  } catch {
    // Not everybody may call the operator service; correctness cannot depend on the answer.
    return false;
  }
}
