// Labels of a campaign for programs and the command: export, import, figures. They need the store alone.
import { createWriteStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { RatchetError } from "../errors/index.ts";
import { iterationOf } from "../campaign/ids.ts";
import type { Address } from "../campaign/ids.ts";
import { foldLedger } from "../campaign/rules.ts";
import { exportText } from "../labels/exchange/export.ts";
import type { ExportOptions } from "../labels/exchange/export.ts";
import { importLabels } from "../labels/exchange/import.ts";
import type { LabelFile } from "../labels/exchange/file.ts";
import type { Imported, ImportOptions } from "../labels/exchange/import.ts";
import { askingOf } from "../labels/asking.ts";
import type { AskingQuestionnaire } from "../labels/asking.ts";
import { decidedBy } from "../labels/decided.ts";
import type { Decided } from "../labels/decided.ts";
import { readKnown } from "../labels/exchange/known.ts";
import { questionnairesOf } from "../labels/questionnaires.ts";
import type { LabelSource } from "../labels/source.ts";
import { statsOf } from "../labels/stats.ts";
import type { QuestionnaireStats } from "../labels/stats.ts";
import type { CampaignRecord, LedgerRow, Standing } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import type { Gateway } from "../temporal/gateway.ts";
import { requireCampaign } from "./record/record.ts";

export interface LabelsExported {
  /** Absolute. */
  path: string;
  questionnaires: number;
}

/** Never overwrites a file. */
export async function exportLabels(
  store: Store,
  address: Address,
  out: string,
  options: ExportOptions,
): Promise<LabelsExported> {
  const { asking, decided } = await requireQuestionnaires(store, address);
  // Nobody need answer questions whose labels can never count.
  const questionnaires = asking
    .filter((one) => options.what === "labels" || one.asking !== "abandoned")
    .map(({ questionnaire }) => questionnaire);
  const path = resolve(out);
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EEXIST") throw cause;
    throw new RatchetError("export_exists", `${path} exists already`, {
      hint: "name a path that does not exist yet with --out",
      cause,
    });
  });
  await pipeline(
    Readable.from(exportText(store, questionnaires, decided, options)),
    createWriteStream(path, { fd: file }),
  );
  return { path, questionnaires: questionnaires.length };
}

export async function importLabelFile(
  store: Store,
  address: Address,
  options: ImportOptions,
  gateway?: Gateway,
): Promise<Imported> {
  const { asking, decided, record } = await requireQuestionnaires(store, address);
  refuseMoved(record);
  const imported = await importLabels(store, asking, decided, options);
  for (const { questionnaire } of asking) await tell(gateway, record.campaignId, questionnaire.place);
  return imported;
}

/** Labels count without this: the campaign looks for them by itself, but only every ten minutes. */
async function tell(gateway: Gateway | undefined, campaignId: string, place: string): Promise<void> {
  await gateway?.labelsGiven(campaignId, place).catch(() => undefined);
}

/** `checks`: a file of labels that are known to be right. */
export async function labelStats(
  store: Store,
  address: Address,
  checks?: Pick<LabelFile, "file" | "path">,
): Promise<QuestionnaireStats[]> {
  const { asking, decided } = await requireQuestionnaires(store, address);
  const questionnaires = asking.map(({ questionnaire }) => questionnaire);
  const known = checks ? await readKnown(questionnaires, checks) : undefined;
  const stats: QuestionnaireStats[] = [];
  for (const one of asking)
    stats.push(await statsOf(store, one, decided, known?.get(one.questionnaire.digest)));
  return stats;
}

/** One signal for all labels of this time. */
const TELL_AFTER_MS = 10_000;

/** For the page where people label (label-page/), also before the campaign has asked anybody. */
export async function labelSource(store: Store, campaignId: string, gateway?: Gateway): Promise<LabelSource> {
  await requireCampaign(store, campaignId);
  // Each label asks for this, so only rows that are new are read.
  const decided = async (): Promise<Decided & { standing: Standing }> => {
    const rows = (await store.ledger(campaignId).follow()) as LedgerRow[];
    const record = foldLedger(campaignId, rows);
    refuseMoved(record);
    return { ...decidedBy(rows), standing: record };
  };
  await decided();
  const waiting = new Set<string>();
  return {
    campaignId,
    store,
    decided,
    given(place) {
      if (waiting.has(place)) return;
      waiting.add(place);
      setTimeout(() => {
        waiting.delete(place);
        void tell(gateway, campaignId, place);
      }, TELL_AFTER_MS).unref();
    },
  };
}

/** Labels that are given here after a move would be missing there. */
export function refuseMoved({ status, failure, campaignId }: CampaignRecord): void {
  if (status === "moved")
    throw new RatchetError("campaign_moved", failure?.message ?? `${campaignId} was moved`);
}

/** Of all places, or of the address's. Throws questionnaire_unknown if there is none. */
export async function requireQuestionnaires(
  store: Store,
  { campaignId, iteration, take, baseline }: Address,
): Promise<{ asking: AskingQuestionnaire[]; decided: Decided; record: CampaignRecord }> {
  const { record, rows } = await requireCampaign(store, campaignId);
  const decided = decidedBy(rows);
  const wanted = (place: string): boolean => {
    const at = iterationOf(place);
    if (baseline !== undefined) return false;
    return (
      (iteration === undefined || at?.iteration === iteration) && (take === undefined || at?.take === take)
    );
  };
  const all = await questionnairesOf(store, campaignId, decided.repairs);
  const asking = (await askingOf(store, all, record, decided.repairs)).filter(({ questionnaire }) =>
    wanted(questionnaire.place),
  );
  if (asking.length > 0) return { asking, decided, record };
  throw new RatchetError("questionnaire_unknown", `${campaignId} asks nobody for labels (yet)`, {
    hint: "a campaign asks if its spec has `labels` or `bootstrap.labels`, once it has answers to compare",
  });
}
