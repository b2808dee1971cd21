// The messages between a chaos worker and its driver. At a point inside an activity the worker waits for the
// driver's answer, so a fault can hit exactly that operation.
import type { Moment } from "./pairs.ts";
import { ASKING_PLACE } from "./tiny-shop.ts";
import type { Labelers } from "./tiny-shop.ts";

/** One attempt of one activity, as Temporal identifies it; or of a request that gives a label. */
export interface Attempt {
  workflowId: string;
  runId: string;
  activityId: string;
  /** A stage of the recipe, or open, append, seal; `give`: a request to the page where people label. */
  stage: string;
  /** The activity's type: the stage `label` has several. */
  type: string;
  attempt: number;
  /** The attempt calls a module of the author: labeler, judge or true reward. */
  callsModule: boolean;
}

/** get, head and list read; put replaces; create is the conditional write that commits. */
export type StoreOperation = "get" | "head" | "put" | "create" | "list" | "delete";

export type Point =
  | { what: "begin"; attempt: Attempt }
  /** `failure`: code of the error that ended the attempt. */
  | { what: "end"; attempt: Attempt; failure?: string }
  | { what: "store"; when: "before" | "after"; operation: StoreOperation; key: string; attempt?: Attempt }
  /** A fault that the worker applied to itself. */
  | { what: "done"; fault: "disk-full" | "clock-jump"; key?: string; attempt?: Attempt };

export type Answer =
  { type: "go" } | { type: "disk-full" } | { type: "twice" } | { type: "jump"; ms: number };

export const GO: Answer = { type: "go" };

/** Environment variables of the chaos worker. */
export const ENV = {
  /** The driver's port on the loopback address. */
  line: "CHAOS_LINE",
  /** Folders whose unsynced writes a power failure loses, separated by `:`; the first is the store. */
  folders: "CHAOS_FOLDERS",
  /** File that records writes and syncs. */
  journal: "CHAOS_JOURNAL",
  /** The worker's local folders, cache and scratch, separated by `:`. */
  local: "CHAOS_LOCAL",
  /**
   * While this file exists, the next write of the worker or its engine into the local folders fails with
   * ENOSPC.
   */
  full: "CHAOS_FULL",
  /** Milliseconds by which the worker's wall clock is ahead from its start. */
  ahead: "CHAOS_AHEAD",
} as const;

export const samePlace = (one: Attempt, other: Attempt): boolean =>
  one.workflowId === other.workflowId && one.runId === other.runId && one.activityId === other.activityId;

/**
 * Faults in the stage `label` hit the iteration's questionnaire; if the iteration has none, the bootstrap's.
 */
export const mayBeHit = ({ stage, workflowId }: Attempt, labelers: Labelers): boolean =>
  stage !== "label" || labelers === "nobody" || workflowId.endsWith(`/${ASKING_PLACE}`);

/** The moment that a point is; undefined when no fault waits for such a point. */
export function momentOf(point: Point): Moment | undefined {
  if (point.what === "begin") return "begin";
  if (point.what !== "store") return undefined;
  if (point.operation === "create") return point.when === "before" ? "before-commit" : "after-commit";
  if (point.when === "after") return undefined;
  return point.operation === "get" ? "get" : point.operation === "put" ? "write" : undefined;
}
