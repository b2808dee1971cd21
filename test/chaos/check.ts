// The checks that every campaign must pass, no matter which faults hit it.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { referencesPrefix, workPrefix } from "../../campaign/ids.ts";
import type { LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { readSpec, requireCampaign } from "../../client/record/record.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import type { Store } from "../../store/types.ts";
import { CAMPAIGN } from "./environment.ts";
import type { ChaosEnvironment } from "./environment.ts";
import { isCommit } from "./events.ts";
import type { Events } from "./events.ts";
import type { AppliedFault } from "./faults.ts";
import { committed, orphans, outcomeOf, tally } from "./outcome.ts";
import type { Committed, Outcome } from "./outcome.ts";
import type { Kind } from "./pairs.ts";
import { samePlace } from "./points.ts";
import type { Attempt, Point } from "./points.ts";
import type { ImmutabilityChecker } from "./immutability-checker.ts";
import { checkLabels } from "./check-labels.ts";

export interface Verdict {
  problems: string[];
  lost: number;
  doubled: number;
  digestEqual: boolean;
  /** Repeated work: pieces, and optimizer steps that an earlier attempt had reported. */
  recomputed: { pieces: number; steps: number };
}

type CheckedEnvironment = Pick<ChaosEnvironment, "crowd" | "labelers"> & {
  immutability: Pick<ImmutabilityChecker, "atTheEnd">;
};

export async function check(
  store: Store,
  undisturbed: Outcome,
  events: Events,
  appliedFaults: readonly AppliedFault[],
  { immutability, crowd, labelers }: CheckedEnvironment,
): Promise<Verdict> {
  const { record, rows } = await requireCampaign(store, CAMPAIGN);
  const spec: CompiledSpec = await readSpec(store, record);
  const manifests = await committed(store);
  const problems: string[] = [];

  const { lost, doubled } = await tally(store, manifests, spec);
  if (lost > 0) problems.push(`${lost} completions lost`);
  if (doubled > 0) problems.push(`${doubled} completions doubled`);
  const labels = await checkLabels(store, labelers, crowd?.told ?? [], events);
  problems.push(...labels.problems, ...(crowd?.problems ?? []));

  const differences = differing(outcomeOf(manifests), undisturbed);
  problems.push(
    ...differences.slice(0, 3).map((difference) => `differs from the undisturbed run: ${difference}`),
  );

  problems.push(
    ...ledgerProblems(rows),
    ...orphans(manifests, rows).map((key) => `${key} is named by no ledger row and no manifest`),
  );
  problems.push(
    ...(await verifyCampaign(store, CAMPAIGN)).problems.map(
      ({ code, what, message }) => `verify: ${code} ${what}: ${message}`,
    ),
  );

  problems.push(...(await immutability.atTheEnd()), ...(await leftovers(store, appliedFaults)));
  problems.push(...redone(events, appliedFaults), ...lateResumes(manifests, events, appliedFaults));

  return {
    problems,
    lost: lost + labels.lost,
    doubled: doubled + labels.doubled,
    digestEqual: differences.length === 0,
    recomputed: { pieces: recomputedPieces(events), steps: recomputedSteps(manifests) },
  };
}

function differing(found: Outcome, undisturbed: Outcome): string[] {
  const short = (digest?: string): string => digest?.slice(0, 12) ?? "none";
  const of = (what: keyof Outcome): string[] =>
    [...new Set([...Object.keys(found[what]), ...Object.keys(undisturbed[what])])]
      .map((name) => ({ name, here: found[what][name], there: undisturbed[what][name] }))
      .filter(({ here, there }) => here !== there)
      .map(({ name, here, there }) => `${what} ${name}: ${short(here)}, undisturbed ${short(there)}`);
  return [...of("weights"), ...of("results")];
}

/**
 * Epochs never fall, and each decision is there once. (Reading the ledger has already checked its chain of
 * digests.)
 */
function ledgerProblems(rows: readonly LedgerRow[]): string[] {
  const problems: string[] = [];
  let epoch = 0;
  const once = new Map<string, number>();
  for (const row of rows) {
    if (row.epoch < epoch)
      problems.push(
        `row ${row.n} has epoch ${row.epoch} after epoch ${epoch}: its writer had lost the campaign`,
      );
    epoch = Math.max(epoch, row.epoch);
    const decision = decisionOf(row.event);
    if (decision) once.set(decision, (once.get(decision) ?? 0) + 1);
  }
  for (const [decision, times] of once)
    if (times > 1) problems.push(`the ledger has ${decision} ${times} times`);
  for (const decision of ["bootstrap-finished", "iteration-finished 1", "completed"])
    if (!once.has(decision)) problems.push(`the ledger has no ${decision}`);
  return problems;
}

function decisionOf(event: LedgerEvent): string | undefined {
  if (event.type === "iteration-finished") return `${event.type} ${event.iteration}`;
  return event.type === "bootstrap-finished" || event.type === "completed" ? event.type : undefined;
}

const isPiece = (key: string): boolean => /\/piece-\d+-/.test(key);

/** Attempts that computed a piece up to its commit, by the piece's key. */
function attemptsByPiece({ list }: Events): Map<string, Attempt[]> {
  const commits = new Map<string, Attempt[]>();
  for (const { point } of list) {
    if (
      point.what !== "store" ||
      point.operation !== "create" ||
      point.when !== "before" ||
      !point.attempt ||
      !isPiece(point.key)
    )
      continue;
    const attempts = commits.get(point.key) ?? [];
    const { attempt } = point;
    if (!attempts.some((other) => isSame(other, attempt))) commits.set(point.key, [...attempts, attempt]);
  }
  return commits;
}

const isSame = (one: Attempt, other: Attempt): boolean =>
  samePlace(one, other) && one.attempt === other.attempt;

const recomputedPieces = (events: Events): number =>
  [...attemptsByPiece(events).values()].reduce((sum, attempts) => sum + attempts.length - 1, 0);

/**
 * Pieces that were repeated without need. A shard computes its pieces in order and adopts committed ones: an
 * attempt must not compute a piece that was committed before the attempt began. An interrupted attempt may
 * cost the one piece that it was computing.
 */
export function redone(events: Events, appliedFaults: readonly AppliedFault[]): string[] {
  const { list } = events;
  const lossy = appliedFaults.some(({ fault }) => fault.kind === "power-loss");
  // A power failure may delete a name that its attempt had created and not yet synced; such an attempt has no
  // later event.
  const mayBeLost = (at: number, { attempt }: Point): boolean =>
    lossy &&
    !list
      .slice(at + 1)
      .some(({ point: later }) => attempt && later.attempt && isSame(later.attempt, attempt));
  const committedAt = new Map<string, number>();
  list.forEach(({ point }, at) => {
    if (isCommit(point) && !committedAt.has(point.key) && !mayBeLost(at, point))
      committedAt.set(point.key, at);
  });
  const began = (attempt: Attempt): number =>
    list.findIndex(({ point }) => point.what === "begin" && isSame(point.attempt, attempt));
  return [...attemptsByPiece(events)].flatMap(([key, attempts]) =>
    attempts
      .filter((attempt) => began(attempt) > (committedAt.get(key) ?? Infinity))
      .map(({ attempt }) => `${key} was computed again by attempt ${attempt}, which began after its commit`),
  );
}

const recomputedSteps = (manifests: readonly Committed[]): number =>
  manifests.reduce(
    (sum, { facts }) => sum + Number(facts["recomputed"] === true ? 0 : (facts["recomputed"] ?? 0)),
    0,
  );

/** Training must resume from the newest checkpoint that was committed before its attempt began. */
export function lateResumes(
  manifests: readonly Committed[],
  { list }: Events,
  appliedFaults: readonly AppliedFault[],
): string[] {
  // A power failure may delete the last checkpoint, because its name is synced after it is created.
  const taken = appliedFaults.some(({ fault }) => fault.kind === "power-loss") ? 1 : 0;
  return manifests.flatMap(({ result, facts }) => {
    if (!("weights" in result)) return [];
    const { place, stage } = result;
    const isOwn = ({ stage: of, workflowId, attempt }: Attempt): boolean =>
      of === stage && workflowId.endsWith(`/${place}`) && attempt === facts.attempt;
    const begins = list.flatMap(({ point }, at) =>
      point.what === "begin" && isOwn(point.attempt) ? [at] : [],
    );
    const key = new RegExp(`/work/${place}/${stage}/.*/step-(\\d+)\\.json$`);
    const newest = (begun: number): number =>
      list
        .slice(0, begun)
        .flatMap(({ point }) => (isCommit(point) ? [Number(key.exec(point.key)?.[1] ?? 0)] : []))
        .sort((a, b) => b - a)[taken] ?? 0;
    // Each server counts its own attempts, so two attempts may have this number: the weaker bound counts.
    const least = Math.min(...begins.map(newest), Infinity);
    return least === Infinity || Number(facts.resumedFrom) >= least
      ? []
      : [`${place} ${stage} resumed from step ${facts.resumedFrom}, but step ${least} was committed before`];
  });
}

/**
 * A training deletes its checkpoints when it commits. A second attempt that still trains may leave one, which
 * `prune` deletes.
 */
async function leftovers(store: Store, appliedFaults: readonly AppliedFault[]): Promise<string[]> {
  if (appliedFaults.some(({ fault }) => TWO_AT_WORK.includes(fault.kind))) return [];
  const left: string[] = [];
  for await (const key of store.backend.list(workPrefix(CAMPAIGN)))
    if (!key.startsWith(referencesPrefix(CAMPAIGN))) left.push(`${key} is left from a finished training`);
  return left;
}

/** Faults after which two attempts of one activity may be alive. */
const TWO_AT_WORK: readonly Kind[] = [
  "worker-stop",
  "tree-stop",
  "server-away",
  "server-stop",
  "take-over",
  "database-lost",
  "twice",
];
