// The local process tree, for the command line.
export { findDevJson, readDevJson, STATE_FOLDER } from "./dev-json.ts";
export type { DevJson, FoundDevJson } from "./dev-json.ts";
export { joinRuns } from "./runs.ts";
export type { Runs } from "./runs.ts";
export { drainOnSignal } from "./signals.ts";
export { startDevTree } from "./tree.ts";
export type { DevTree, DevTreeOptions } from "./tree.ts";
