// `repair`: makes damaged or missing artifacts again where what they were made from is whole. A row of the ledger sets the manifests aside
// that are damaged or name what is; then the places that they belong to run once more, adopting everything else, and must end in the
// very digests that the ledger names. Nothing is overwritten and no decision changes. (docs/store.md, "Damage")
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import {
  activityQueue,
  workPrefix,
  originalKey,
  placeWorkflowId,
  resultsPrefix,
  WORKFLOW_QUEUE,
} from "../../campaign/ids.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import { foldLedger, repairsOf } from "../../campaign/rules.ts";
import type { CampaignRecord, Digest, LedgerEvent, LedgerRow, Manifest, Tree } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway, PlaceWorkflow } from "../../temporal/gateway.ts";
import { hasEnded } from "../follow/outcome.ts";
import { finishedPlaces } from "../record/places.ts";
import type { FinishedPlace } from "../record/places.ts";
import { readSpec, requireCampaign } from "../record/record.ts";
import { isTrained, specBlobs, specTrees, verifyCampaign } from "./verify.ts";
import type { Named, VerifyProblem } from "./verify.ts";
import { isCurrent } from "../record/work.ts";

export interface RepairOptions {
  by: string;
  why: string;
  /** The same id is recorded once. */
  requestId: string;
  onPlace?: (place: string) => void;
}

export interface Repair {
  campaignId: string;
  /** What was found damaged or missing. */
  problems: VerifyProblem[];
  /** Keys of the manifests that were set aside. */
  setAside: string[];
  /** Results written again from their sound manifests. */
  rewritten: Digest[];
  /** Checkpoints of unfinished training that were dropped: the one before them is resumed from. And what was kept of a reference: it is computed again. */
  dropped: string[];
  /** Places that ran again. */
  places: string[];
}

export async function repairCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  options: RepairOptions,
): Promise<Repair> {
  const { problems } = await verifyCampaign(store, campaignId, { campaignOnly: true });
  const repair: Repair = { campaignId, problems, setAside: [], rewritten: [], dropped: [], places: [] };
  if (problems.length === 0) return repair;
  refuseBroken(campaignId, problems);
  const { record, rows } = await requireCampaign(store, campaignId);
  const spec = await givenWhole(store, record, problems);

  const damage = await findDamage(store, campaignId, rows, problems);
  const places = finishedPlaces(record).filter(({ name }) => damage.places.has(name));
  const unfinished = [...damage.places].filter((name) => !places.some((place) => place.name === name));
  if (unfinished.length > 0 && !hasEnded(record)) {
    throw new RatchetError(
      "campaign_open",
      `${campaignId} is ${record.status}, and ${unfinished.join(", ")} is being made`,
      { hint: "wait until it ends or cancel it, then repair, then start it again" },
    );
  }
  if (places.length > 0) await requireWorkers(gateway);

  // A row before an act.
  if (damage.manifests.length > 0) {
    const event: LedgerEvent = {
      type: "repaired",
      manifests: damage.manifests,
      by: options.by,
      why: options.why,
    };
    await store
      .ledger(campaignId)
      .append({ id: `repaired:${options.requestId}`, epoch: record.epoch, event, by: options.by });
  }
  for (const result of damage.results) repair.rewritten.push(await store.putJson(result));
  for (const key of damage.checkpoints) await store.backend.delete(key);
  for (const place of places) {
    options.onPlace?.(place.name);
    await runAgain(gateway, { store, record, rows, spec }, place);
  }
  const left = (await verifyCampaign(store, campaignId, { campaignOnly: true })).problems.filter(
    ({ what, namedBy }) => !unfinished.some((name) => `${what} ${namedBy}`.includes(`/${name}/`)),
  );
  if (left.length > 0) throw unrepairable(campaignId, left[0]?.message ?? "", left);
  return {
    ...repair,
    setAside: damage.manifests,
    dropped: damage.checkpoints,
    places: places.map(({ name }) => name),
  };
}

function refuseBroken(campaignId: string, problems: VerifyProblem[]): void {
  const broken = problems.find(({ code }) => code === "ledger_broken");
  if (broken)
    throw unrepairable(
      campaignId,
      `${broken.message}; a decision cannot be computed again`,
      problems,
      "restore the row's object from a backup",
    );
}

/** What the author gave is not made from anything in the store. */
async function givenWhole(
  store: Store,
  record: CampaignRecord,
  problems: VerifyProblem[],
): Promise<CompiledSpec> {
  const { campaignId } = record;
  const damaged = new Set(problems.map(({ what }) => what));
  const hint = "`ratchet start` with its campaign file uploads what the file names again; then repair";
  if (damaged.has(record.specDigest))
    throw unrepairable(campaignId, `its spec ${record.specDigest} is damaged or gone`, problems, hint);
  const spec = await readSpec(store, record);
  const trees = specTrees(spec);
  const sound = await Promise.all(
    trees.filter((tree) => !damaged.has(tree)).map((tree) => store.getJson<Tree>(tree)),
  );
  const given = [
    ...trees,
    ...specBlobs(spec),
    ...sound.flatMap(({ files }) => files.map(({ digest }) => digest)),
  ];
  const lost = given.find((digest) => damaged.has(digest));
  if (lost)
    throw unrepairable(campaignId, `${lost}, which its author gave, is damaged or gone`, problems, hint);
  return spec;
}

interface Damage {
  /** Keys, without repair numbers, of manifests that are damaged or name something damaged that they made. */
  manifests: string[];
  /** Results of sound manifests whose own blob is damaged. */
  results: unknown[];
  checkpoints: string[];
  /** Names of places that must run again. */
  places: Set<string>;
}

async function findDamage(
  store: Store,
  campaignId: string,
  rows: LedgerRow[],
  problems: VerifyProblem[],
): Promise<Damage> {
  const damaged = new Set(problems.map(({ what }) => what));
  const damage: Damage = { manifests: [], results: [], checkpoints: [], places: new Set() };
  const repairs = repairsOf(rows);
  const prefix = resultsPrefix(campaignId);
  const named = new Set<Digest>();
  for await (const key of store.backend.list(prefix)) {
    if (!isCurrent(key, repairs)) continue;
    const place = key.slice(prefix.length).split("/")[0] ?? "";
    const found = damaged.has(key) ? undefined : await store.readManifest<Manifest<Named>>(key);
    if (found) named.add(found.digest);
    if (found && damaged.has(found.digest)) damage.results.push(found.manifest.result);
    const lost =
      found === undefined ||
      (await outputs(store, found.manifest, damaged)).some((digest) => damaged.has(digest));
    if (lost) damage.manifests.push(originalKey(key).key);
    // A sealed stage names its pieces' blobs, which are the pieces' to make again.
    if (lost || found.manifest.result.pieces?.some((piece) => damaged.has(piece.rows)))
      damage.places.add(place);
  }
  for await (const key of store.backend.list(workPrefix(campaignId))) {
    if (!isCurrent(key, repairs)) continue;
    const found = damaged.has(key) ? undefined : await store.readManifest<Manifest<Named>>(key);
    if (
      !found ||
      damaged.has(found.digest) ||
      (await treeOf(store, found.manifest.result.tree, damaged)).some((digest) => damaged.has(digest))
    )
      damage.checkpoints.push(key);
  }
  for (const place of finishedPlaces(foldLedger(campaignId, rows))) {
    if (Object.values(place.stages).some((digest) => !named.has(digest))) damage.places.add(place.name);
  }
  return damage;
}

/** Blobs that a stage or piece itself made. */
async function outputs(
  store: Store,
  { schema, result }: Manifest<Named>,
  damaged: Set<Digest>,
): Promise<Digest[]> {
  const { stage, policy, curve, rows, pairs } = result;
  if (schema === "ratchet.piece/1") return rows ? [rows] : [];
  const made = [curve, pairs].filter((digest) => digest !== undefined);
  return isTrained(stage) ? [...made, ...(await treeOf(store, policy, damaged))] : made;
}

async function treeOf(store: Store, digest: Digest | undefined, damaged: Set<Digest>): Promise<Digest[]> {
  if (digest === undefined) return [];
  return damaged.has(digest)
    ? [digest]
    : [digest, ...(await store.getJson<Tree>(digest)).files.map((file) => file.digest)];
}

interface Again {
  store: Store;
  record: CampaignRecord;
  rows: LedgerRow[];
  spec: CompiledSpec;
}

/** The place's own workflow with the inputs that it had, read from the rows before its own. */
async function runAgain(
  gateway: Gateway,
  { store, record, rows, spec }: Again,
  { place, name, policy, stages }: FinishedPlace,
): Promise<void> {
  const { campaignId, specDigest, epoch, bootstrap } = record;
  const at = rows.findIndex(({ event }) =>
    "baseline" in place
      ? event.type === "baseline-finished" && event.name === place.baseline
      : place.iteration === 0
        ? event.type === "bootstrap-finished"
        : event.type === "iteration-finished" &&
          event.iteration === place.iteration &&
          event.take === place.take,
  );
  const { latest, promoted } = foldLedger(campaignId, rows.slice(0, at));
  const plan = planOf(spec);
  const base = { campaign: { campaignId, specDigest, storeName: store.name }, epoch, place, plan };
  const [type, input]: [PlaceWorkflow, object] =
    "baseline" in place
      ? ["baseline", { baseline: plan.baselines.find((arm) => arm.name === place.baseline), bootstrap }]
      : place.iteration === 0
        ? ["bootstrap", { given: spec.policy.tree }]
        : ["iteration", { bootstrap, latest, promoted }];
  type Outcome = { policy?: Digest; bootstrap?: { policy: Digest }; stages: Record<string, Digest> };
  const outcome = await gateway
    .runPlace<Outcome>(
      placeWorkflowId(campaignId, place),
      type,
      { ...base, ...input },
      `${campaignId} ${name}, repair`,
    )
    .catch((cause: unknown) => {
      if ((cause as { kind?: string }).kind !== "artifact") throw cause;
      throw unrepairable(
        campaignId,
        `${name} cannot be made again: ${(cause as Error).message}`,
        [],
        undefined,
        cause,
      );
    });
  const made = { policy: outcome.policy ?? outcome.bootstrap?.policy, ...outcome.stages };
  const recorded: Record<string, Digest> = { policy, ...(stages as Record<string, Digest>) };
  const differs = Object.entries(recorded).find(
    ([stage, digest]) => (made as Record<string, Digest | undefined>)[stage] !== digest,
  );
  if (differs)
    throw unrepairable(
      campaignId,
      `${name} was made again, and its ${differs[0]} has other bytes than the ledger names`,
      [],
      "same bits need the CPU type and versions that its facts name",
    );
}

async function requireWorkers(gateway: Gateway): Promise<void> {
  for (const queue of [WORKFLOW_QUEUE, activityQueue("control")]) {
    if ((await gateway.pollers(queue)).length === 0)
      throw new RatchetError("no_worker", `nothing is repaired: no worker polls ${queue}`, {
        hint: "start one: ratchet worker",
      });
  }
}

const unrepairable = (
  campaignId: string,
  why: string,
  problems: VerifyProblem[],
  hint = "what is left whole can be exported; `ratchet verify` lists all damage",
  cause?: unknown,
): RatchetError =>
  new RatchetError(
    "unrepairable",
    `${campaignId} cannot be repaired: ${why}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ""}`,
    { hint, cause },
  );
