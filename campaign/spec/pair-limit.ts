// How many pairs a place trains on.
import { RatchetError } from "../../errors/index.ts";
import type { Place } from "../types.ts";
import type { CompiledSpec } from "./compiled.ts";

/** 0 = all. A reward model learns from all pairs of the bootstrap. */
export function pairLimitAt({ pair, baselines }: CompiledSpec, place: Place): number {
  if ("iteration" in place) return place.iteration === 0 ? 0 : pair.limit;
  const baseline = baselines.find(({ name }) => name === place.baseline);
  if (!baseline) throw new RatchetError("unreachable_state", `the spec has no baseline ${place.baseline}`);
  return baseline.count;
}
