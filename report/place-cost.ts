// Time, work and money that a place cost.
import type { ApiCost } from "../campaign/labeling/types.ts";

/** The work of one stage. */
export interface CostedWork {
  busyMs: number;
  recomputedMs: number;
  startedAt: string;
  finishedAt: string;
}

export interface PlaceCost {
  /** From the first start to the last end; waiting for people and workers counts. */
  timeMs: number;
  /** Of all attempts that committed, also of those that ran at the same time. */
  workMs: number;
  /** The part of the work that was computed again: a lower bound, because killed attempts are not timed. */
  againMs: number;
  /** Of API labelers, in the currency of the worker's settings; absent if none says. */
  price?: number | undefined;
}

interface CostedPlace {
  work: Record<string, CostedWork>;
  api?: readonly Pick<ApiCost, "price">[] | undefined;
}

export function costOf({ work, api = [] }: CostedPlace): PlaceCost {
  const stages = Object.values(work);
  const times = stages.flatMap(({ startedAt, finishedAt }) => [
    Date.parse(startedAt),
    Date.parse(finishedAt),
  ]);
  const prices = api.flatMap(({ price }) => price ?? []);
  return {
    timeMs: times.length === 0 ? 0 : Math.max(...times) - Math.min(...times),
    workMs: sum(stages.map(({ busyMs }) => busyMs)),
    againMs: sum(stages.map(({ recomputedMs }) => recomputedMs)),
    price: prices.length === 0 ? undefined : sum(prices),
  };
}

/** Places that ran at the same time count both. */
export function totalCost(places: readonly CostedPlace[]): PlaceCost {
  const costs = places.map(costOf);
  const prices = costs.flatMap(({ price }) => price ?? []);
  return {
    timeMs: sum(costs.map(({ timeMs }) => timeMs)),
    workMs: sum(costs.map(({ workMs }) => workMs)),
    againMs: sum(costs.map(({ againMs }) => againMs)),
    price: prices.length === 0 ? undefined : sum(prices),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
