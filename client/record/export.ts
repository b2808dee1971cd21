// `export`: writes a checkpoint in Hugging Face layout with a model card, or pairs in TRL's columns. Never
// overwrites a file.
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { Address } from "../../campaign/ids.ts";
import type { Digest, PairResult } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { modelCard } from "./model-card.ts";
import { placeOf, stageDigest } from "./places.ts";
import { requireCampaign } from "./record.ts";

/** The checkpoint to export if the address names no iteration. */
export type ExportPointer = "latest" | "promoted";

export interface Exported {
  /** `it-0003.1` */
  place: string;
  digest: Digest;
  /** Absolute. */
  path: string;
}

export async function exportCheckpoint(
  store: Store,
  address: Address,
  pointer: ExportPointer,
  out: string,
): Promise<Exported> {
  const { record } = await requireCampaign(store, address.campaignId);
  const at = address.iteration === undefined && address.baseline === undefined ? record[pointer] : undefined;
  const place = placeOf(record, at ? { ...address, iteration: at.iteration, take: at.take } : address);
  const { name, policy } = place;
  const path = resolve(out);
  await refuseExisting(path);
  await mkdir(dirname(path), { recursive: true });
  // Written beside its path and moved when complete: an interrupted export leaves no half model under the
  // given name.
  const making = join(dirname(path), `.${basename(path)}.${process.pid}.making`);
  try {
    await store.getTree(policy, making);
    await writeFile(join(making, "README.md"), await modelCard(store, record, place));
    await rm(path, { recursive: true, force: true });
    await rename(making, path);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return { place: name, digest: policy, path };
}

export async function exportPairs(store: Store, address: Address, out: string): Promise<Exported> {
  const { record } = await requireCampaign(store, address.campaignId);
  const place = placeOf(record, address);
  const { pairs } = await store.getJson<PairResult>(stageDigest(place, "pair"));
  const path = resolve(out);
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, await store.getRemainder(pairs), { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw exists(path, cause);
    throw cause;
  }
  return { place: place.name, digest: pairs, path };
}

/** Throws export_exists unless the path is free or an empty folder. */
async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return;
  if (!found.isDirectory() || (await readdir(path)).length > 0) throw exists(path);
}

const exists = (path: string, cause?: unknown): RatchetError =>
  new RatchetError("export_exists", `${path} exists already`, {
    hint: "name a path that does not exist yet with --out",
    cause,
  });
