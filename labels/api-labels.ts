// Labels of an API labeler in the store: which requests of a comparison have an answer, and what they cost.
import type { ApiCost, ApiLabel, Asked } from "../campaign/labeling/types.ts";
import type { Store } from "../store/types.ts";
import type { Questionnaire } from "./questionnaires.ts";
import { labelsAt, readLabels } from "./standing.ts";

/** One comparison by one labeler. */
export interface AskedOf {
  comparison: number;
  labeler: string;
  api: ApiLabel;
  /** The last answer, if it held no verdict. */
  note?: string | undefined;
  /** Of all answers together. */
  seconds?: number | undefined;
}

/** Each revision of a label repeats the requests of the one before, so the longest list has them all. */
export async function askedOf(store: Store, questionnaire: Questionnaire): Promise<AskedOf[]> {
  const found = new Map<string, AskedOf>();
  for await (const { label } of readLabels(store, questionnaire, await labelsAt(store, questionnaire))) {
    const { comparison, labeler, api, note, seconds } = label;
    if (!api) continue;
    const name = `${comparison}/${labeler}`;
    if (api.asked.length > (found.get(name)?.api.asked.length ?? 0))
      found.set(name, { comparison, labeler, api, note, seconds });
  }
  return [...found.values()];
}

/** By labeler. */
export function costsOf(asked: readonly AskedOf[]): ApiCost[] {
  const costs = new Map<string, ApiCost>();
  for (const { labeler, api } of asked) {
    const { asked: requests, ...record } = api;
    const cost = costs.get(labeler) ?? { labeler, ...record, comparisons: 0, requests: 0 };
    costs.set(labeler, cost);
    cost.comparisons += 1;
    cost.requests += requests.length;
    for (const request of requests) addTo(cost, request);
  }
  return [...costs.values()].sort((a, b) => (a.labeler < b.labeler ? -1 : 1));
}

function addTo(cost: ApiCost, request: Asked): void {
  for (const name of ["input", "output", "price"] as const) {
    const more = request[name];
    if (more !== undefined) cost[name] = Number(((cost[name] ?? 0) + more).toFixed(9));
  }
}
