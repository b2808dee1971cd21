// What must hold after a campaign, whatever was done to it.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { referencesPrefix, workPrefix } from "../../campaign/ids.ts";
import type { LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { readSpec, requireCampaign } from "../../client/record/record.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import type { Store } from "../../store/types.ts";
import { CAMPAIGN } from "./environment.ts";
import { isCommit } from "./events.ts";
import type { Events } from "./events.ts";
import type { Put } from "./faults.ts";
import { committed, orphans, outcomeOf, tally } from "./outcome.ts";
import type { Committed, Outcome } from "./outcome.ts";
import type { Kind } from "./pairs.ts";
import { samePlace } from "./points.ts";
import type { Attempt, Point } from "./points.ts";
import type { ImmutabilityChecker } from "./immutability-checker.ts";

export interface Verdict {
  problems: string[];
  lost: number;
  doubled: number;
  digestEqual: boolean;
  /** Work that was done again: pieces, and optimizer steps that an earlier attempt had reported. */
  recomputed: { pieces: number; steps: number };
}

export async function check(
  store: Store,
  undisturbed: Outcome,
  events: Events,
  puts: readonly Put[],
  immutability: Pick<ImmutabilityChecker, "atTheEnd">,
): Promise<Verdict> {
  const { record, rows } = await requireCampaign(store, CAMPAIGN);
  const spec: CompiledSpec = await readSpec(store, record);
  const manifests = await committed(store);
  const problems: string[] = [];

  const { lost, doubled } = await tally(store, manifests, spec);
  if (lost > 0) problems.push(`${lost} completions lost`);
  if (doubled > 0) problems.push(`${doubled} completions doubled`);

  const differences = differing(outcomeOf(manifests), undisturbed);
  problems.push(
    ...differences.slice(0, 3).map((difference) => `not as in the undisturbed run: ${difference}`),
  );

  problems.push(...ledgerProblems(rows), ...orphans(manifests, rows).map((key) => `nobody refers to ${key}`));
  problems.push(
    ...(await verifyCampaign(store, CAMPAIGN)).problems.map(
      ({ code, what, message }) => `verify: ${code} ${what}: ${message}`,
    ),
  );

  problems.push(...(await immutability.atTheEnd()), ...(await leftovers(store, puts)));
  problems.push(...redone(events, puts), ...lateResumes(manifests, events, puts));

  return {
    problems,
    lost,
    doubled,
    digestEqual: differences.length === 0,
    recomputed: { pieces: recomputedPieces(events), steps: recomputedSteps(manifests) },
  };
}

function differing(found: Outcome, undisturbed: Outcome): string[] {
  const of = (what: keyof Outcome): string[] =>
    [...new Set([...Object.keys(found[what]), ...Object.keys(undisturbed[what])])]
      .filter((name) => found[what][name] !== undisturbed[what][name])
      .map(
        (name) =>
          `${what} ${name}: ${found[what][name]?.slice(0, 12) ?? "none"}, undisturbed ${undisturbed[what][name]?.slice(0, 12) ?? "none"}`,
      );
  return [...of("weights"), ...of("results")];
}

/** The chain of digests is checked by whoever reads it; here: who wrote when, and each decision once. */
function ledgerProblems(rows: readonly LedgerRow[]): string[] {
  const problems: string[] = [];
  let epoch = 0;
  const once = new Map<string, number>();
  for (const row of rows) {
    if (row.epoch < epoch)
      problems.push(
        `row ${row.n} of epoch ${row.epoch} follows one of epoch ${epoch}: a writer that had lost the campaign went on`,
      );
    epoch = Math.max(epoch, row.epoch);
    const decision = decisionOf(row.event);
    if (decision) once.set(decision, (once.get(decision) ?? 0) + 1);
  }
  for (const [decision, times] of once)
    if (times > 1) problems.push(`${decision} stands ${times} times in the ledger`);
  for (const decision of ["bootstrap-finished", "iteration-finished 1", "completed"])
    if (!once.has(decision)) problems.push(`the ledger has no ${decision}`);
  return problems;
}

function decisionOf(event: LedgerEvent): string | undefined {
  if (event.type === "iteration-finished") return `${event.type} ${event.iteration}`;
  return event.type === "bootstrap-finished" || event.type === "completed" ? event.type : undefined;
}

const isPiece = (key: string): boolean => /\/piece-\d+-/.test(key);

/** Attempts that came to commit a piece, by its key: the second one computed it for the second time. */
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
 * A shard does its pieces one after the other and adopts what is there: an attempt that was cut off costs the one piece that it was at, and
 * nothing that had been committed when an attempt began is computed by it again, whoever committed it.
 */
export function redone(events: Events, puts: readonly Put[]): string[] {
  const { list } = events;
  const lossy = puts.some(({ fault }) => fault.kind === "power-loss");
  // A power failure may take a name that its attempt had made and not yet synced: it had not gone on to anything else.
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

/** Training goes on from the newest checkpoint that was committed before its attempt began. */
export function lateResumes(
  manifests: readonly Committed[],
  { list }: Events,
  puts: readonly Put[],
): string[] {
  // A power failure may take the last one: its name is synced after it was made.
  const taken = puts.some(({ fault }) => fault.kind === "power-loss") ? 1 : 0;
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
    // Two servers count their attempts each for itself: it is enough that one of them could have gone on from there.
    const least = Math.min(...begins.map(newest), Infinity);
    return least === Infinity || Number(facts.resumedFrom) >= least
      ? []
      : [`${place} ${stage} went on from step ${facts.resumedFrom}, but step ${least} was committed before`];
  });
}

/** Whoever commits a training clears its checkpoints. One that still trained while another finished may leave its own: `prune` takes them. */
async function leftovers(store: Store, puts: readonly Put[]): Promise<string[]> {
  if (puts.some(({ fault }) => TWO_AT_WORK.includes(fault.kind))) return [];
  const left: string[] = [];
  for await (const key of store.backend.list(workPrefix(CAMPAIGN)))
    if (!key.startsWith(referencesPrefix(CAMPAIGN))) left.push(`${key} is left of a training that is done`);
  return left;
}

/** Faults after which two attempts of one activity may live. */
const TWO_AT_WORK: readonly Kind[] = [
  "worker-stop",
  "tree-stop",
  "server-away",
  "server-stop",
  "take-over",
  "twice",
];
