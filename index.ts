// The package `ratchet-rlhf`: for campaign files, modules, and programs that drive campaigns.
export { defineCampaign, specJsonSchema } from "./campaign/spec/schema.ts";
export type { ResolvedSpec, WrittenSpec } from "./campaign/spec/schema.ts";
export { loadSpecFile } from "./compile/spec-file/load.ts";
export type { LoadedSpec } from "./compile/spec-file/load.ts";
export type {
  GoldModule,
  GoldScore,
  JudgeModule,
  LabelersModule,
  ModuleAnswer,
  ModulePrompt,
  PromptsModule,
  PromptSplit,
  RewardModule,
  SftModule,
  SftRow,
} from "./campaign/spec/modules.ts";
export type { Choice, Opinion } from "./campaign/labeling/types.ts";
export type {
  CampaignRecord,
  CampaignStatus,
  Decision,
  Digest,
  EvaluateMetrics,
  Interval,
  LedgerRow,
} from "./campaign/types.ts";
export { findStoreName, findTemporal } from "./client/find.ts";
export type { FindOptions } from "./client/find.ts";
export { makeKey } from "./client/head/note.ts";
export type { KeyPair } from "./client/head/note.ts";
export type { Head, SignedHead } from "./client/head/sign.ts";
export type { Copied } from "./client/maintenance/copy.ts";
export type { Erased } from "./client/maintenance/erase.ts";
export type { CampaignDiff, DiffOptions } from "./client/record/diff.ts";
export type { CampaignHistory, PlaceHistory } from "./client/record/history.ts";
export type { CampaignOutcome } from "./client/follow/outcome.ts";
export type { Pruned } from "./client/maintenance/prune.ts";
export { RatchetClient } from "./client/ratchet-client.ts";
export type {
  ClientOptions,
  ControlCampaignOptions,
  StartCampaignOptions,
  WaitOptions,
} from "./client/ratchet-client.ts";
export type { Repair } from "./client/maintenance/repair.ts";
export type { Samples } from "./client/record/samples.ts";
export type {
  CampaignSchedules,
  CreateScheduleOptions,
  FiringView,
  ScheduleView,
} from "./client/schedules/schedules.ts";
export type { AmendedCampaign } from "./client/start/amend.ts";
export type { IterationsAsked } from "./client/start/extended.ts";
export type { Started } from "./client/start/start.ts";
export type { ListOptions } from "./client/follow/list.ts";
export type { CampaignSummary, StatusView } from "./client/follow/status.ts";
export type { CampaignComparison } from "./client/record/table.ts";
export type { TemporalAddress } from "./temporal/gateway.ts";
export type { Overlap, ScheduleSummary } from "./temporal/schedules.ts";
export type { WatchEvent, WatchOptions } from "./client/follow/watch.ts";
export { RatchetError } from "./errors/index.ts";
export type { Code, Kind } from "./errors/index.ts";
