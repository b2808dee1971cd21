// What the spec asks of labelers at a place, and the module that labels there.
import type { Place } from "../types.ts";
import type { CompiledSpec, LabelSettings } from "./compiled.ts";

/** Undefined if nothing is labeled at the place. */
export function labelSettingsAt(spec: CompiledSpec, place: Place): LabelSettings | undefined {
  if ("baseline" in place) return undefined;
  return place.iteration === 0 ? spec.bootstrap.labels : spec.labels;
}

/** Role of the module that labels at the place, if a module does. */
export const labelersAt = (place: Place): "bootstrapLabelers" | "labelers" =>
  "iteration" in place && place.iteration === 0 ? "bootstrapLabelers" : "labelers";
