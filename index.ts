// What a campaign file, its modules and a program that drives campaigns import from `ratchet-rlhf`.
export { defineCampaign } from "./campaign/spec.ts";
export type { ResolvedSpec, WrittenSpec } from "./campaign/spec.ts";
export { loadSpecFile } from "./campaign/load.ts";
export type { LoadedSpec } from "./campaign/load.ts";
export type {
  GoldModule,
  GoldScore,
  JudgeModule,
  ModuleAnswer,
  ModulePrompt,
  PromptsModule,
  PromptSplit,
  RewardModule,
  SftModule,
  SftRow,
} from "./campaign/modules.ts";
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
export type { Copied } from "./client/copy.ts";
export type { Erased } from "./client/erase.ts";
export type { CampaignHistory, PlaceHistory } from "./client/history.ts";
export type { CampaignOutcome } from "./client/outcome.ts";
export type { Pruned } from "./client/prune.ts";
export { RatchetClient } from "./client/ratchet-client.ts";
export type { ClientOptions, ControlCampaignOptions, StartCampaignOptions } from "./client/ratchet-client.ts";
export type { Repair } from "./client/repair.ts";
export type { Samples } from "./client/samples.ts";
export type { Started } from "./client/start.ts";
export type { CampaignSummary, StatusView } from "./client/status.ts";
export type { CampaignComparison } from "./client/table.ts";
export type { TemporalAddress } from "./client/gateway.ts";
export type { WatchEvent, WatchOptions } from "./client/watch.ts";
