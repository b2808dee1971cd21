// The part of a campaign's record that its report shows. The client reads it from the store.
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type {
  CampaignRecord,
  Decision,
  Digest,
  EvaluateMetrics,
  Facts,
  Interval,
  LedgerRow,
  PairReport,
  PromotionEvidence,
} from "../campaign/types.ts";
import type { ShownStats } from "./label-stats.ts";
import type { CampaignTable } from "./table.ts";
import type { ShownWithdrawal } from "./withdrawals.ts";

export interface ReportRecord {
  campaign: Pick<CampaignRecord, "campaignId" | "name" | "specDigest" | "status" | "epoch"> &
    Partial<Pick<CampaignRecord, "promoted" | "failure">>;
  places: ReportPlace[];
  ledger: readonly LedgerRow[];
  head: Digest;
  spec: CompiledSpec;
  comparison: CampaignTable;
  curves: ReportCurve[];
  samples?: ReportSamples | undefined;
  labels: ShownStats[];
  withdrawals: ShownWithdrawal[];
}

export interface ReportPlace {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  policy: Digest;
  weights?: Digest;
  decision?: Decision;
  promotion?: {
    winRate?: Interval;
    lengthControlled?: Interval;
    evidence?: PromotionEvidence;
    labels: number;
    reason: string;
  };
  pairs?: number;
  margin?: number;
  pairing?: PairReport;
  steps?: number;
  loss?: number;
  validation?: EvaluateMetrics;
  test?: EvaluateMetrics;
  finishedAt?: string;
  work: Record<string, ReportWork>;
  environments: ReportEnvironment[];
}

/** The work of one stage. */
export interface ReportWork {
  attempts: number;
  computed: number;
  recomputed: number;
  resumedFrom?: number | undefined;
  busyMs: number;
  recomputedMs: number;
  startedAt: string;
  finishedAt: string;
}

export type ReportEnvironment = Pick<
  Facts,
  "ratchet" | "commit" | "dirty" | "lock" | "node" | "onnxruntime" | "host" | "cpu" | "device"
>;

export interface ReportCurve {
  place: string;
  stage: "sft" | "reward" | "refit" | "train";
  points: Record<string, number>[];
}

interface ReportAnswer {
  text: string;
  finish: string;
  score?: number | undefined;
}

export interface ReportSamples {
  before: string;
  after: string;
  rows: { promptId: string; prompt: string; before: ReportAnswer; after: ReportAnswer }[];
}
