// Temporal's times. Without imports, because `status` and `list` use it and load no gRPC.

/** Milliseconds of a protobuf timestamp. */
export function timeMs(
  time: { seconds?: unknown; nanos?: number | null } | null | undefined,
): number | undefined {
  if (!time) return undefined;
  return Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1e6);
}
