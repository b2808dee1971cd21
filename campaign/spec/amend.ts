// An amendment: another compiled spec for the iterations that have not begun. It may change only settings
// that neither the bootstrap nor a finished iteration depends on, and none that policies are measured by. The
// client, the activity that writes the row, and `verify` share these rules.
import { RatchetError } from "../../errors/index.ts";
import { placeName } from "../ids.ts";
import type { CampaignRecord, Digest, LedgerEvent, LedgerRow, SpecChange, Standing } from "../types.ts";
import type { CompiledSpec } from "./compiled.ts";
import { differences, showDifference } from "./differences.ts";
import type { Difference } from "./differences.ts";

/** Paths of the compiled spec that may change, with their names in a campaign file. */
const AMENDABLE: readonly (readonly [path: string, written: string])[] = [
  ["iterations", "iterations"],
  // Only more or fewer of the same prompts, which `requireAmendment` checks.
  ["prompts.iterations", "more prompts"],
  ["prompts.overlaps", "more prompts"],
  ["generate.samples", "generate.samples"],
  ["pieces.perShard", "generate.shard"],
  ["pieces.wave", "generate.wave"],
  ["pieces.poison", "generate.poison"],
  ["labels.comparisons", "labels.perIteration"],
  ["labels.perComparison", "labels.perComparison"],
  ["labels.deadlineMs", "labels.deadline"],
  ["labels.minimum", "labels.minimum"],
  ["labels.refit.optimizer", "optimizer settings of labels.refit"],
  ["labels.refit.replay", "labels.refit.replay"],
  ["pair.strategy", "pair.strategy"],
  ["pair.lengthPenalty", "pair.lengthPenalty"],
  ["pair.missingEosPenalty", "pair.missingEosPenalty"],
  ["pair.limit", "pair.limit"],
  ["train.beta", "train.beta"],
  ["train.ldAlpha", "train.ldAlpha"],
  ["train.optimizer", "optimizer settings of train"],
  ["checkpoint", "train.checkpoint"],
  ["promote", "promote"],
  ["queues", "queues"],
];

/** As an author writes them. */
export const AMENDABLE_SETTINGS = [...new Set(AMENDABLE.map(([, written]) => written))].join(", ");

type Amended = Extract<LedgerEvent, { type: "amended" }>;

export interface AmendedSpec {
  spec: CompiledSpec;
  differences: Difference[];
  /** Those of them that no amendment may make. */
  forbidden: Difference[];
}

/** The spec after `current` if `asked` is to hold. Baselines are controls of the first spec, and stay. */
export function amendedSpec(current: CompiledSpec, asked: CompiledSpec): AmendedSpec {
  const spec = { ...asked, baselines: onlyFollow(current, asked) ? current.baselines : asked.baselines };
  const found = differences(current, spec);
  return { spec, differences: found, forbidden: found.filter(({ path }) => !isAmendable(path)) };
}

export const changesOf = (found: readonly Difference[]): SpecChange[] =>
  found.map(({ path, before, after }) => ({
    path,
    ...(before === undefined ? {} : { from: before as NonNullable<SpecChange["from"]> }),
    ...(after === undefined ? {} : { to: after as NonNullable<SpecChange["to"]> }),
  }));

export const showChange = ({ path, from, to }: SpecChange): string =>
  showDifference({ path, before: from, after: to });

/** An amendment that gives the campaign more iterations or fewer, and changes nothing else. */
export const isExtension = (changes: readonly SpecChange[]): boolean =>
  changes.every(({ path }) => path === "iterations" || isBelow(path, "prompts"));

/** Where the amended spec is to hold, and how to read the prompts that specs name. */
interface At {
  campaignId: string;
  /** The first place that has not begun. */
  holdsFrom: Standing["next"];
  rowsOf: (digest: Digest) => Promise<Uint8Array>;
}

/** Throws amend_forbidden or amend_empty, and names every setting that stands in the way. */
export async function requireAmendment(
  current: CompiledSpec,
  asked: CompiledSpec,
  { campaignId, holdsFrom, rowsOf }: At,
): Promise<{ spec: CompiledSpec; changes: SpecChange[] }> {
  const { spec, differences: found, forbidden } = amendedSpec(current, asked);
  if (forbidden.length > 0)
    throw refusal(
      campaignId,
      forbidden.map((difference) => [difference.path, showDifference(difference)]),
    );
  if (found.length === 0)
    throw new RatchetError("amend_empty", `${campaignId} has these settings already: nothing is amended`, {
      hint: `\`ratchet history ${campaignId} --ledger\` shows what was amended before`,
    });
  const begun = holdsFrom.iteration - 1;
  if (spec.iterations < begun)
    throw refusal(campaignId, [
      ["iterations", `iterations is ${spec.iterations}, but iteration ${begun} has begun`],
    ]);
  if (!(await isContinued(current, spec, rowsOf)))
    throw refusal(campaignId, [
      ["prompts.iterations", "the prompts of the first iterations are others, or in another order"],
    ]);
  return { spec, changes: changesOf(found) };
}

/** Somebody else amended the campaign after the operator looked. */
export function amendedMeanwhile({ campaignId }: CampaignRecord, rows: readonly LedgerRow[]): RatchetError {
  const last = rows.findLast(({ event }) => event.type === "amended");
  const said = last?.event.type === "amended" ? `${showAmended(last.event)} (row ${last.n})` : "";
  return new RatchetError("amend_outdated", `${campaignId} was amended meanwhile: ${said}`, {
    hint: "look at it, and amend again if yours still holds",
  });
}

/** `train.beta: 0.1 → 0.2, from it-0003.1 on, by ada: it oscillates` */
export const showAmended = ({ changes, holdsFrom, by, why }: Omit<Amended, "type" | "specDigest">): string =>
  `${changes.map(showChange).join("; ")}, from ${placeName(holdsFrom)} on, by ${by}${why ? `: ${why}` : ""}`;

function refusal(campaignId: string, found: [path: string, message: string][]): RatchetError {
  const shown = found.map(([, message]) => message);
  return new RatchetError("amend_forbidden", `${campaignId} cannot be amended so: ${shown.join("; ")}`, {
    hint: `what may change: ${AMENDABLE_SETTINGS}; for the rest start a new campaign with --id`,
    problems: found.map(([path, message]) => ({ path, message })),
  });
}

/** One list of prompts is the beginning of the other. Both are JSON Lines, and each line has its end. */
async function isContinued(
  current: CompiledSpec,
  spec: CompiledSpec,
  rowsOf: At["rowsOf"],
): Promise<boolean> {
  const [before, after] = [current.prompts.iterations.rows, spec.prompts.iterations.rows];
  if (before === after) return true;
  const [a, b] = [await rowsOf(before), await rowsOf(after)];
  const length = Math.min(a.length, b.length);
  return Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0;
}

const isAmendable = (path: string): boolean => AMENDABLE.some(([allowed]) => isBelow(path, allowed));

const isBelow = (path: string, section: string): boolean =>
  path === section || path.startsWith(`${section}.`) || path.startsWith(`${section}[`);

/** True if the baselines differ only where they have no setting of their own and use the campaign's. */
function onlyFollow(current: CompiledSpec, asked: CompiledSpec): boolean {
  const { iterations, pair, train, baselines } = asked;
  return (
    baselines.length === current.baselines.length &&
    baselines.every(({ name, pairs, count, learningRate }, i) => {
      const known = current.baselines[i]!;
      return (
        name === known.name &&
        pairs === known.pairs &&
        (count === known.count || count === iterations * pair.limit) &&
        (learningRate === known.learningRate || learningRate === train.optimizer.learningRate)
      );
    })
  );
}
