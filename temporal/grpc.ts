// gRPC's answers: status codes by what a caller can do about them, and errors under the SDK's wrappers.
import { isGrpcServiceError } from "@temporalio/client";
import { RatchetError } from "../errors/index.ts";
import { UNREACHABLE_HINT } from "./gateway.ts";
import type { TemporalAddress } from "./gateway.ts";

const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const UNAVAILABLE = 14;
const DENIED: ReadonlySet<number> = new Set([7 /* PERMISSION_DENIED */, 16 /* UNAUTHENTICATED */]);
/** The server is down, starting, overloaded or failing: it may answer the next time. */
const AWAY: ReadonlySet<number> = new Set([
  1 /* CANCELLED */,
  2 /* UNKNOWN */,
  DEADLINE_EXCEEDED,
  8 /* RESOURCE_EXHAUSTED */,
  10 /* ABORTED */,
  13 /* INTERNAL */,
  UNAVAILABLE,
]);

type Where = Pick<TemporalAddress, "address" | "namespace">;

export function unreachable({ address }: Pick<Where, "address">, cause: unknown): RatchetError {
  return new RatchetError("temporal_unreachable", `no Temporal server answers at ${address}`, {
    hint: UNREACHABLE_HINT,
    cause,
  });
}

/** Our error for gRPC's; any other error is returned as it is. */
export function translated({ address, namespace }: Where, error: unknown): unknown {
  const status = grpcStatus(error);
  if (status === undefined) return error;
  const why = innermost(error).message;
  if (AWAY.has(status)) return unreachable({ address }, error);
  if (DENIED.has(status))
    return new RatchetError(
      "temporal_denied",
      `Temporal at ${address} refused namespace ${namespace}: ${why}`,
      { hint: "check the API key or certificates of your Temporal profile", cause: error },
    );
  if (status === NOT_FOUND)
    return new RatchetError(
      "temporal_namespace_unknown",
      `Temporal at ${address} has no namespace ${namespace}: ${why}`,
      { hint: "name another with --namespace", cause: error },
    );
  return error;
}

export const isGrpcError = (error: unknown): boolean => grpcStatus(error) !== undefined;

export const isTimeout = (error: unknown): boolean => grpcStatus(error) === DEADLINE_EXCEEDED;

/**
 * A query without a worker waits until its deadline, and fails in other ways if the worker dies meanwhile. A
 * server that is gone answers UNAVAILABLE at once.
 */
export function isQueryWithoutWorker(error: unknown): boolean {
  const status = grpcStatus(error);
  return status !== undefined && status !== UNAVAILABLE && !DENIED.has(status);
}

/** The SDK wraps gRPC's error once or twice. */
function grpcStatus(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at.code;
  return undefined;
}

export function innermost(error: unknown): Error {
  let at = error as Error;
  while (at.cause instanceof Error) at = at.cause;
  return at;
}
