// The rotary settings of a config.json to RopeScaling and back.
import type { RopeScaling } from "../model/types.ts";
import { positive, unsupported } from "./config-values.ts";
import type { Json } from "./config-values.ts";

/**
 * transformers 5 writes `rope_parameters`; earlier versions wrote `rope_theta` and `rope_scaling`. If both
 * exist, `rope_scaling` is used.
 */
function ropeSettings(config: Json): Json {
  return (config["rope_scaling"] ?? config["rope_parameters"] ?? {}) as Json;
}

export function parseRopeTheta(config: Json, path: string): number {
  const theta = ropeSettings(config)["rope_theta"] ?? config["rope_theta"];
  return positive({ rope_theta: theta }, "rope_theta", path, 10_000);
}

export function parseRopeScaling(config: Json, maxPositions: number, path: string): RopeScaling | undefined {
  const settings = ropeSettings(config);
  const type = settings["rope_type"] ?? settings["type"] ?? "default";
  const number = (key: string, fallback?: number): number =>
    positive(settings, key, `the rotary scaling of ${path}`, fallback);
  const hint = "supported: default, linear, llama3, over the whole head and the same in all layers";
  if (Object.values(settings).some((value) => typeof value === "object" && value !== null))
    throw unsupported(path, "rope_parameters of several kinds of layers", hint);
  if ((settings["partial_rotary_factor"] ?? 1) !== 1)
    throw unsupported(
      path,
      `partial_rotary_factor = ${JSON.stringify(settings["partial_rotary_factor"])}`,
      hint,
    );
  switch (type) {
    case "default":
      return undefined;
    case "linear":
      return { type: "linear", factor: number("factor") };
    case "llama3":
      return {
        type: "llama3",
        factor: number("factor"),
        lowFrequencyFactor: number("low_freq_factor"),
        highFrequencyFactor: number("high_freq_factor"),
        originalPositions: number("original_max_position_embeddings", maxPositions),
      };
    default:
      throw unsupported(path, `rotary scaling of type ${JSON.stringify(type)}`, hint);
  }
}

export function formatRopeScaling(scaling: RopeScaling): Json {
  if (scaling.type === "linear") return { rope_type: scaling.type, factor: scaling.factor };
  const { type, factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = scaling;
  return {
    rope_type: type,
    factor,
    low_freq_factor: lowFrequencyFactor,
    high_freq_factor: highFrequencyFactor,
    original_max_position_embeddings: originalPositions,
  };
}
