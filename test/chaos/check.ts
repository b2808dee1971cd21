// What must hold after a campaign, whatever was done to it.
import type { CompiledSpec } from "../../campaign/compiled.ts";
import type { LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { readSpec, requireCampaign } from "../../client/record.ts";
import { verifyCampaign } from "../../client/verify.ts";
import type { Store } from "../../store/types.ts";
import { CAMPAIGN } from "./arena.ts";
import type { Events } from "./events.ts";
import type { Put } from "./faults.ts";
import { committed, orphans, outcomeOf, tally } from "./outcome.ts";
import type { Committed, Outcome } from "./outcome.ts";
import { samePlace } from "./points.ts";
import type { Attempt } from "./points.ts";

export interface Verdict {
  problems: string[];
  lost: number;
  doubled: number;
  digestEqual: boolean;
  /** Work that was done again: pieces, and optimizer steps that an earlier attempt had reported. */
  recomputed: { pieces: number; steps: number };
}

export async function check(store: Store, undisturbed: Outcome, events: Events, puts: readonly Put[]): Promise<Verdict> {
  const { record, rows } = await requireCampaign(store, CAMPAIGN);
  const spec: CompiledSpec = await readSpec(store, record);
  const manifests = await committed(store);
  const problems: string[] = [];

  const { lost, doubled } = await tally(store, manifests, spec);
  if (lost > 0) problems.push(`${lost} completions lost`);
  if (doubled > 0) problems.push(`${doubled} completions doubled`);

  const differences = differing(outcomeOf(manifests), undisturbed);
  problems.push(...differences.slice(0, 3).map((difference) => `not as in the undisturbed run: ${difference}`));

  problems.push(...ledgerProblems(rows), ...orphans(manifests, rows).map((key) => `nobody refers to ${key}`));
  problems.push(...(await verifyCampaign(store, CAMPAIGN)).problems.map(({ code, what, message }) => `verify: ${code} ${what}: ${message}`));

  const pieces = recomputedPieces(events);
  const bound = retries(events) + puts.filter(({ fault }) => fault.kind === "twice").length;
  const twoOwners = puts.some(({ fault }) => fault.kind === "take-over");
  if (!twoOwners && pieces > bound) problems.push(`${pieces} pieces were computed again, with ${bound} attempts that could have cost one each`);
  problems.push(...lateResumes(manifests, events, puts));

  return { problems, lost, doubled, digestEqual: differences.length === 0, recomputed: { pieces, steps: recomputedSteps(manifests) } };
}

function differing(found: Outcome, undisturbed: Outcome): string[] {
  const of = (what: keyof Outcome): string[] =>
    [...new Set([...Object.keys(found[what]), ...Object.keys(undisturbed[what])])]
      .filter((name) => found[what][name] !== undisturbed[what][name])
      .map((name) => `${what} ${name}: ${found[what][name]?.slice(0, 12) ?? "none"}, undisturbed ${undisturbed[what][name]?.slice(0, 12) ?? "none"}`);
  return [...of("weights"), ...of("results")];
}

/** The chain of digests is checked by whoever reads it; here: who wrote when, and each decision once. */
function ledgerProblems(rows: readonly LedgerRow[]): string[] {
  const problems: string[] = [];
  let epoch = 0;
  const once = new Map<string, number>();
  for (const row of rows) {
    if (row.epoch < epoch) problems.push(`row ${row.n} of epoch ${row.epoch} follows one of epoch ${epoch}: a writer that had lost the campaign went on`);
    epoch = Math.max(epoch, row.epoch);
    const decision = decisionOf(row.event);
    if (decision) once.set(decision, (once.get(decision) ?? 0) + 1);
  }
  for (const [decision, times] of once) if (times > 1) problems.push(`${decision} stands ${times} times in the ledger`);
  for (const decision of ["bootstrap-finished", "iteration-finished 1", "completed"]) if (!once.has(decision)) problems.push(`the ledger has no ${decision}`);
  return problems;
}

function decisionOf(event: LedgerEvent): string | undefined {
  if (event.type === "iteration-finished") return `${event.type} ${event.iteration}`;
  return event.type === "bootstrap-finished" || event.type === "completed" ? event.type : undefined;
}

/** Attempts beyond the first: each may have thrown away the piece that it was at. */
const retries = ({ list }: Events): number => list.filter(({ point }) => point.what === "begin" && point.attempt.attempt > 1).length;

/** A piece that is committed for the second time was computed for the second time. */
function recomputedPieces({ list }: Events): number {
  const commits = new Map<string, Attempt[]>();
  for (const { point } of list) {
    if (point.what !== "store" || point.operation !== "create" || point.when !== "before" || !point.attempt || !/\/piece-\d+-/.test(point.key)) continue;
    const attempts = commits.get(point.key) ?? [];
    const { attempt } = point;
    if (!attempts.some((other) => samePlace(other, attempt) && other.attempt === attempt.attempt)) commits.set(point.key, [...attempts, attempt]);
  }
  return [...commits.values()].reduce((sum, attempts) => sum + attempts.length - 1, 0);
}

const recomputedSteps = (manifests: readonly Committed[]): number => manifests.reduce((sum, { facts }) => sum + Number(facts["recomputed"] === true ? 0 : (facts["recomputed"] ?? 0)), 0);

/** Training goes on from the newest checkpoint that was committed before its attempt began. */
function lateResumes(manifests: readonly Committed[], { list }: Events, puts: readonly Put[]): string[] {
  // What a power failure took, or somebody else was training meanwhile, says nothing about this rule.
  if (puts.some(({ fault }) => ["power-loss", "take-over", "twice", "worker-stop"].includes(fault.kind))) return [];
  return manifests.flatMap(({ result, facts }) => {
    if (!("weights" in result)) return [];
    const { place, stage } = result;
    const begun = list.findLastIndex(({ point }) => point.what === "begin" && point.attempt.stage === stage && point.attempt.workflowId.endsWith(`/${place}`) && point.attempt.attempt === facts.attempt);
    const steps = list.slice(0, begun).flatMap(({ point }) => {
      const [, step] = (point.what === "store" && point.operation === "create" && point.when === "after" && new RegExp(`/work/${place}/${stage}/.*/step-(\\d+)\\.json$`).exec(point.key)) || [];
      return step ? [Number(step)] : [];
    });
    const newest = Math.max(0, ...steps);
    return Number(facts.resumedFrom) >= newest ? [] : [`${place} ${stage} went on from step ${facts.resumedFrom}, but step ${newest} was committed before`];
  });
}
