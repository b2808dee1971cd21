// Pairs that a baseline trains on: by default as many as all iterations together.
import type { ResolvedSpec } from "./schema.ts";

export const baselineCount = (
  { iterations, pair }: Pick<ResolvedSpec, "iterations" | "pair">,
  { count }: ResolvedSpec["baselines"][number],
): number => count ?? iterations * pair.limit;
