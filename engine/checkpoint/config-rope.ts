// The rotary settings of a config.json to RopeScaling and back. transformers 5 writes `rope_parameters`;
// earlier versions wrote `rope_theta` and `rope_scaling`. Versions differ in what they read if both are
// there, so both must say the same.
import { RatchetError } from "../../errors/index.ts";
import type { ModelConfig, RopeScaling } from "../model/types.ts";
import { positive, unsupported } from "./config-values.ts";
import type { Json } from "./config-values.ts";
import { isEmpty, show } from "./read-json.ts";

type Rope = Pick<ModelConfig, "ropeTheta" | "ropeScaling">;

const DEFAULT_THETA = 10_000;
const HINT = "supported: default, linear, llama3, over the whole head and the same in all layers";

/** Settings of each type. What a type does not use must not be there, or could be meant for another type. */
const USED: Readonly<Record<string, readonly string[]>> = {
  default: [],
  linear: ["factor"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor"],
};
/** Settings that change nothing with any type, or that are checked for all. */
const ALWAYS = [
  "type",
  "rope_type",
  "rope_theta",
  "partial_rotary_factor",
  "original_max_position_embeddings",
];

export function parseRope(config: Json, maxPositions: number, path: string): Rope {
  const ropes = ["rope_scaling", "rope_parameters"]
    .filter((key) => !isEmpty(config[key]) || Array.isArray(config[key]))
    .map((key) => ropeOf(config, key, maxPositions, path));
  const rope = ropes[0] ?? { ropeTheta: outerTheta(config, path) ?? DEFAULT_THETA };
  if (ropes[1] && JSON.stringify(ropes[1]) !== JSON.stringify(rope))
    throw contradiction(config, "rope_scaling", "rope_parameters", path);
  return rope;
}

const contradiction = (config: Json, one: string, other: string, path: string): RatchetError =>
  new RatchetError(
    "checkpoint_invalid",
    `${path} has ${one} = ${show(config[one])} and ${other} = ${show(config[other])}, which differ`,
    {
      hint: "remove the one that the model was not trained with: versions of transformers choose differently",
    },
  );

const outerTheta = (config: Json, path: string): number | undefined =>
  config["rope_theta"] == null ? undefined : positive(config, "rope_theta", path);

function ropeOf(config: Json, key: string, maxPositions: number, path: string): Rope {
  const settings = config[key] as Json;
  const { type, ropeScaling } = scalingOf(config, key, maxPositions, path);
  for (const [name, value] of Object.entries(settings))
    if (![...ALWAYS, ...USED[type]!].includes(name) && !isEmpty(value))
      throw unsupported(path, `${key}.${name} = ${show(value)}, which rope type ${type} does not use`, HINT);
  const outer = outerTheta(config, path);
  const inner =
    settings["rope_theta"] == null ? undefined : positive(settings, "rope_theta", `${key} of ${path}`);
  if (outer !== undefined && inner !== undefined && outer !== inner)
    throw contradiction(config, "rope_theta", key, path);
  return { ropeTheta: inner ?? outer ?? DEFAULT_THETA, ...(ropeScaling && { ropeScaling }) };
}

function scalingOf(
  config: Json,
  key: string,
  maxPositions: number,
  path: string,
): { type: string; ropeScaling?: RopeScaling } {
  const settings = config[key] as Json;
  if (typeof settings !== "object" || Array.isArray(settings))
    throw unsupported(path, `${key} = ${show(settings)}`, HINT);
  if (Object.values(settings).some((value) => typeof value === "object" && !isEmpty(value)))
    throw unsupported(path, `${key} of several kinds of layers`, HINT);
  const names = ["rope_type", "type"].map((name) => settings[name]).filter((name) => name != null);
  if (names.length === 2 && names[0] !== names[1])
    throw unsupported(path, `${key} with rope_type ${show(names[0])} and type ${show(names[1])}`, HINT);
  const rotated = settings["partial_rotary_factor"] ?? 1;
  if (rotated !== 1) throw unsupported(path, `${key}.partial_rotary_factor = ${show(rotated)}`, HINT);
  const type: unknown = names[0] ?? "default";
  const number = (name: string): number => positive(settings, name, `the rotary scaling of ${path}`);
  switch (type) {
    case "default":
      return { type };
    case "linear":
      return { type, ropeScaling: { type, factor: number("factor") } };
    case "llama3":
      return { type, ropeScaling: llama3Of(config, key, maxPositions, path) };
    default:
      throw unsupported(path, `rotary scaling of type ${show(type)}`, HINT);
  }
}

function llama3Of(config: Json, key: string, maxPositions: number, path: string): RopeScaling {
  const settings = config[key] as Json;
  const where = `the rotary scaling of ${path}`;
  const number = (name: string): number => positive(settings, name, where);
  const [low, high] = [number("low_freq_factor"), number("high_freq_factor")];
  if (low >= high)
    throw new RatchetError(
      "checkpoint_invalid",
      `${where} has low_freq_factor = ${low}, which must be below high_freq_factor = ${high}`,
    );
  // transformers 5 prefers the setting outside.
  const name = "original_max_position_embeddings";
  const [outer, inner] = [config, settings].map((from) =>
    from[name] == null ? undefined : positive(from, name, path),
  );
  if (outer !== undefined && inner !== undefined && outer !== inner)
    throw contradiction(config, name, key, path);
  return {
    type: "llama3",
    factor: number("factor"),
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalPositions: outer ?? inner ?? maxPositions,
  };
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
