// What the chaos worker tells its driver, and what it may be told back. A point is a moment inside an activity at which the worker waits
// until the driver answers: there a fault can be put to the exact operation.
import type { Moment } from "./pairs.ts";

/** One attempt of one activity, as the Temporal server knows it. */
export interface Attempt {
  workflowId: string;
  runId: string;
  activityId: string;
  /** A stage of the recipe, or open, append, seal. */
  stage: string;
  attempt: number;
  /** A module of the author answers in it: a rater, a judge, a gold reward. */
  callsModule: boolean;
}

/** get, head and list read, put replaces, create is the conditional write that commits. */
export type StoreOperation = "get" | "head" | "put" | "create" | "list" | "delete";

export type Point =
  | { what: "begin"; attempt: Attempt }
  /** `failure`: code of the error that ended the attempt. */
  | { what: "end"; attempt: Attempt; failure?: string }
  | { what: "store"; when: "before" | "after"; operation: StoreOperation; key: string; attempt?: Attempt }
  /** A fault that the worker put into effect itself. */
  | { what: "done"; fault: "disk-full" | "clock-jump"; key?: string; attempt?: Attempt };

export type Answer =
  { type: "go" } | { type: "disk-full" } | { type: "twice" } | { type: "jump"; ms: number };

export const GO: Answer = { type: "go" };

/** Environment of the chaos worker. */
export const ENV = {
  /** Port of the driver's line on the loopback address. */
  line: "CHAOS_LINE",
  /** Folders whose writes count as lost in a power failure until they are synced, separated by `:`; the first is the store. */
  folders: "CHAOS_FOLDERS",
  /** File that records what was written and what was synced. */
  journal: "CHAOS_JOURNAL",
  /** The worker's folders for what it keeps beside the store, cache and scratch, separated by `:`. */
  local: "CHAOS_LOCAL",
  /** While this file is there, the next write of the worker or its engine into those folders finds the disk full. */
  full: "CHAOS_FULL",
} as const;

export const samePlace = (one: Attempt, other: Attempt): boolean =>
  one.workflowId === other.workflowId && one.runId === other.runId && one.activityId === other.activityId;

/** What a point is to a fault that waits for its moment. */
export function momentOf(point: Point): Moment | undefined {
  if (point.what === "begin") return "begin";
  if (point.what !== "store") return undefined;
  if (point.operation === "create") return point.when === "before" ? "before-commit" : "after-commit";
  if (point.when === "after") return undefined;
  return point.operation === "get" ? "get" : point.operation === "put" ? "write" : undefined;
}
