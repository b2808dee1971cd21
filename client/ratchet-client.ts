/* oxlint-disable max-lines -- one method a verb, each with its defaults */
// RatchetClient: everything that a program or a verb of the command does with campaigns. To read needs the
// store only. To start, follow, control and repair needs Temporal too, and throws `temporal_unreachable`
// without it.
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { RatchetError } from "../errors/index.ts";
import type { Address } from "../campaign/ids.ts";
import { isCampaignId } from "../campaign/ids.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { LabelsDecision, PauseAt, RollbackTarget } from "../campaign/types.ts";
import type { LoadedSpec } from "../compile/spec-file/load.ts";
import { openStore } from "../store/index.ts";
import { ledgerKey } from "../store/layout.ts";
import type { Store } from "../store/types.ts";
import type { ControlReply, ControlVerb } from "../workflows/messages.ts";
import type { Compiled, CompileSummary } from "../compile/index.ts";
import { controlCampaign } from "./follow/control.ts";
import type { Copied } from "./maintenance/copy.ts";
import type { Erased, EraseOptions } from "./maintenance/erase.ts";
import { UNREACHABLE_HINT } from "../temporal/gateway.ts";
import { diffCampaigns } from "./record/diff.ts";
import type { CampaignDiff, DiffOptions } from "./record/diff.ts";
import { explain } from "./record/explain.ts";
import type { Explanation } from "./record/explain.ts";
import { explainCompletion } from "./record/explain-completion.ts";
import type { ExplainedCompletion } from "./record/explain-completion.ts";
import { exportCheckpoint, exportPairs } from "./record/export.ts";
import type { Exported, ExportPointer } from "./record/export.ts";
import type { Gateway, TemporalAddress } from "../temporal/gateway.ts";
import { readHead, signHead } from "./head/sign.ts";
import type { Head, SignedHead } from "./head/sign.ts";
import { readHistory } from "./record/history.ts";
import type { CampaignHistory } from "./record/history.ts";
import { exportLabels, importLabelFile, labelSource, labelStats } from "./labels.ts";
import type { LabelsExported } from "./labels.ts";
import { withdrawLabels } from "./withdraw-labels.ts";
import type { LabelsWithdrawn, WithdrawOptions } from "./withdraw-labels.ts";
import type { LabelSource } from "../labels/source.ts";
import type { ExportOptions as ExportLabelsOptions } from "../labels/exchange/export.ts";
import type { Imported, ImportOptions } from "../labels/exchange/import.ts";
import type { QuestionnaireStats } from "../labels/stats.ts";
import type { CampaignOutcome } from "./follow/outcome.ts";
import { findAddress, findCampaignId, requireCampaign } from "./record/record.ts";
import type { Pruned, PruneOptions } from "./maintenance/prune.ts";
import type { Repair, RepairOptions } from "./maintenance/repair.ts";
import { readReport } from "./record/report.ts";
import type { CampaignReport } from "./record/report.ts";
import { readSamples } from "./record/samples.ts";
import type { SampleOptions, Samples } from "./record/samples.ts";
import { CampaignSchedules } from "./schedules/schedules.ts";
import { amendCampaign } from "./start/amend.ts";
import type { AmendedCampaign, AskedSpec } from "./start/amend.ts";
import { extended } from "./start/extended.ts";
import type { IterationsAsked } from "./start/extended.ts";
import { startCampaign } from "./start/start.ts";
import type { Started } from "./start/start.ts";
import { listCampaigns } from "./follow/list.ts";
import type { ListOptions } from "./follow/list.ts";
import { readStatus } from "./follow/status.ts";
import { timeLimit } from "./follow/time-limit.ts";
import type { CampaignSummary, StatusView } from "./follow/status.ts";
import { compareVariants } from "./record/table.ts";
import type { CampaignComparison } from "./record/table.ts";
import type { Verification, VerifyOptions } from "./maintenance/verify.ts";
import { watchCampaign } from "./follow/watch.ts";
import type { WatchEvent, WatchOptions } from "./follow/watch.ts";

export interface ClientOptions {
  /** `dir:/path`, `s3://bucket/prefix`, or an open store. */
  store: string | Store;
  /** Without it, methods that need a server throw `temporal_unreachable`. */
  temporal?: TemporalAddress | Gateway;
  /**
   * Make the store if it does not exist. By default only if Temporal is given, because readers make nothing.
   */
  createStore?: boolean;
  /** The variables that `env:NAME` of prompt and SFT modules names at `start`. */
  environment?: Record<string, string | undefined>;
}

export interface StartCampaignOptions {
  /** By default the spec's name. */
  campaignId?: string;
  /** By default the spec's. */
  seed?: number;
  takeOver?: boolean;
  resume?: boolean;
  /** Before a campaign is created, also call modules that use the network. */
  callModules?: boolean;
  /** Gets what the checks before the start found. */
  onChecked?: (summary: CompileSummary) => void;
  /** By default `user@host`. */
  by?: string;
}

export interface WaitOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ControlCampaignOptions {
  why?: string;
  by?: string;
  /** A request with the same id is carried out once. */
  requestId?: string;
}

export interface ResumeCampaignOptions extends ControlCampaignOptions {
  /** Ends a pause for too few labels: a later deadline, or the labels that there are. */
  labels?: LabelsDecision | undefined;
}

export interface PauseCampaignOptions extends ControlCampaignOptions {
  /** What ends first: nothing, running shards, or the iteration that runs. Default `now`. */
  at?: PauseAt | undefined;
}

interface ControlRequestOptions extends ResumeCampaignOptions, PauseCampaignOptions {
  to?: RollbackTarget;
}

export class RatchetClient {
  readonly store: Store;
  private readonly temporal: Gateway | undefined;
  private readonly environment: Record<string, string | undefined>;

  constructor(store: Store, temporal?: Gateway, environment: Record<string, string | undefined> = {}) {
    this.store = store;
    this.temporal = temporal;
    this.environment = environment;
  }

  static async connect({
    store,
    temporal,
    createStore = temporal !== undefined,
    environment,
  }: ClientOptions): Promise<RatchetClient> {
    const opened = typeof store === "string" ? await openStore(store, { create: createStore }) : store;
    return new RatchetClient(
      opened,
      temporal && "connection" in temporal ? await connectTemporal(temporal) : temporal,
      environment,
    );
  }

  /** Uploads what the spec names, then starts, resumes or attaches (docs/cli.md, "start"). */
  async start(
    loaded: LoadedSpec,
    {
      campaignId = loaded.spec.name,
      seed,
      takeOver = false,
      resume = false,
      callModules = false,
      onChecked,
      by = whoAmI(),
    }: StartCampaignOptions = {},
  ): Promise<Started> {
    if (!isCampaignId(campaignId)) {
      throw new RatchetError("address_invalid", `${JSON.stringify(campaignId)} is no campaign id`, {
        hint: "lower-case letters, digits, dot, - and _, at most 63, the first a letter or digit",
      });
    }
    // First, because nothing need be uploaded if there is no server.
    const gateway = this.gateway;
    await this.store.proveWrites();
    const { specDigest, summary } = await this.compile(loaded, campaignId, { seed, callModules });
    onChecked?.(summary);
    return startCampaign(this.store, gateway, {
      campaignId,
      name: loaded.spec.name,
      specDigest,
      sources: summary.sources,
      takeOver,
      resume,
      by,
      requestId: randomUUID(),
    });
  }

  /** Recurring campaigns (docs/schedulers.md). */
  get schedules(): CampaignSchedules {
    return new CampaignSchedules(this.store, this.gateway.schedules, whoAmI(), (loaded, options) =>
      this.compile(loaded, undefined, options),
    );
  }

  private async compile(
    { spec, baseDir }: LoadedSpec,
    campaignId: string | undefined,
    { seed, callModules }: { seed: number | undefined; callModules: boolean },
  ): Promise<Compiled> {
    // A campaign that exists is not refused because its judge is busy now.
    const exists =
      campaignId !== undefined && (await this.store.backend.stat(ledgerKey(campaignId, 0))) !== undefined;
    // Loaded here, because only `start` needs the compiler, the engine and the bundler.
    const { compileSpec } = await import("../compile/index.ts");
    return compileSpec(spec, {
      baseDir,
      store: this.store,
      environment: this.environment,
      seed,
      callModules: exists ? "none" : callModules ? "all" : "offline",
    });
  }

  /**
   * Resumes a campaign with the spec that its ledger names, for a file that is lost or that today's rules
   * refuse.
   */
  async startRecorded(
    campaign: string,
    {
      takeOver = false,
      resume = false,
      by = whoAmI(),
    }: Omit<StartCampaignOptions, "campaignId" | "seed" | "callModules" | "onChecked"> = {},
  ): Promise<Started> {
    const gateway = this.gateway;
    await this.store.proveWrites();
    const campaignId = await this.id(campaign);
    const { name, specDigest } = (await requireCampaign(this.store, campaignId)).record;
    return startCampaign(this.store, gateway, {
      campaignId,
      name,
      specDigest,
      takeOver,
      resume,
      by,
      requestId: randomUUID(),
    });
  }

  /** Here and below, `campaign` may be the beginning of exactly one id. */
  async status(campaign: string): Promise<StatusView> {
    return readStatus(this.store, this.temporal, await this.id(campaign));
  }

  /** One after the other, in the order of their ids. */
  campaigns(options?: ListOptions): AsyncGenerator<CampaignSummary> {
    return listCampaigns(this.store, options);
  }

  async list(options?: ListOptions): Promise<CampaignSummary[]> {
    const campaigns: CampaignSummary[] = [];
    for await (const campaign of this.campaigns(options)) campaigns.push(campaign);
    return campaigns;
  }

  async *watch(campaign: string, options: WatchOptions = {}): AsyncGenerator<WatchEvent> {
    yield* watchCampaign(this.store, this.gateway, await this.id(campaign), options);
  }

  /** Follows the campaign to its end; undefined if `signal` or the time limit came first. */
  async wait(
    campaign: string,
    { timeoutMs, signal }: WaitOptions = {},
  ): Promise<CampaignOutcome | undefined> {
    const limit = timeoutMs === undefined ? undefined : timeLimit(timeoutMs);
    const signals = [signal ?? [], limit ?? []].flat();
    for await (const event of this.watch(campaign, { signal: AbortSignal.any(signals) })) {
      if (event.type === "ended") return event.outcome;
    }
    return undefined;
  }

  pause(campaign: string, options?: PauseCampaignOptions): Promise<ControlReply> {
    return this.control("pause", campaign, options);
  }

  resume(campaign: string, options?: ResumeCampaignOptions): Promise<ControlReply> {
    return this.control("resume", campaign, options);
  }

  cancel(campaign: string, options?: ControlCampaignOptions): Promise<ControlReply> {
    return this.control("cancel", campaign, options);
  }

  /**
   * `address`: `night-3/2`, the iteration that is the newest again. Those after it stay in the store, and the
   * campaign goes on from it with fresh seeds. Throws `address_unknown` if it has not finished.
   */
  async rollback(address: string, options?: ControlCampaignOptions): Promise<ControlReply> {
    const { campaignId, iteration, take } = await this.address(address);
    if (iteration === undefined)
      throw new RatchetError("usage_invalid", `${address} names no iteration`, {
        hint: `the iteration to go back to: ${campaignId}/2`,
      });
    return this.control("rollback", campaignId, { ...options, to: { iteration, take } });
  }

  /**
   * Other settings for the iterations that have not begun. Throws `amend_forbidden` for a setting that what
   * has finished depends on. A completed campaign starts again if it gets more iterations.
   */
  async amend(
    campaign: string,
    loaded: LoadedSpec,
    { seed, ...options }: ControlCampaignOptions & Pick<StartCampaignOptions, "seed"> = {},
  ): Promise<AmendedCampaign> {
    const campaignId = await this.id(campaign);
    return this.amended(
      campaignId,
      async () => {
        const { specDigest } = await this.compile(loaded, campaignId, { seed, callModules: false });
        return this.store.getJson<CompiledSpec>(specDigest);
      },
      options,
    );
  }

  /**
   * More iterations, also for a completed campaign. Those beyond its prompts use the prompts of the first
   * ones again.
   */
  async extend(
    campaign: string,
    iterations: IterationsAsked,
    options?: ControlCampaignOptions,
  ): Promise<AmendedCampaign> {
    return this.amended(await this.id(campaign), (spec) => extended(spec, iterations), options);
  }

  private async amended(
    campaignId: string,
    ask: AskedSpec,
    { why = "", by = whoAmI(), requestId = randomUUID() }: ControlCampaignOptions = {},
  ): Promise<AmendedCampaign> {
    const gateway = this.gateway;
    await this.store.proveWrites();
    return amendCampaign(this.store, gateway, campaignId, ask, { by, why, requestId });
  }

  async history(campaign: string): Promise<CampaignHistory> {
    return readHistory(this.store, await this.id(campaign));
  }

  /** Every variant on the test split, and the last iteration against each baseline. */
  async compare(campaign: string): Promise<CampaignComparison> {
    return compareVariants(this.store, await this.id(campaign));
  }

  /** What differs between two policies, of one or two campaigns; by default the promoted ones. */
  async diff(a: string, b: string, options?: DiffOptions): Promise<CampaignDiff> {
    return diffCampaigns(this.store, await this.address(a), await this.address(b), options);
  }

  /** What a policy came from; by default the promoted one. */
  async explain(address: string): Promise<Explanation> {
    return explain(this.store, await this.address(address));
  }

  async explainCompletion(
    address: string,
    completion: { promptId: string; index: number },
  ): Promise<ExplainedCompletion> {
    return explainCompletion(this.store, await this.address(address), completion);
  }

  /** The data of a report: aggregated results and a few answers. */
  async report(campaign: string): Promise<CampaignReport> {
    return readReport(this.store, await this.id(campaign));
  }

  /** `address`: `<campaign>[/<iteration>[.<take>] | /base-<name>][/<stage>]`. */
  async samples(address: string, options: SampleOptions): Promise<Samples> {
    return readSamples(this.store, await this.address(address), options);
  }

  /** The last row of the ledger and its digest, which covers the whole ledger. */
  async head(campaign: string): Promise<Head> {
    return readHead(this.store, await this.id(campaign));
  }

  /** The same, signed. `secret`: of `makeKey`. Keep the note where no writer of the store can write. */
  async signHead(campaign: string, secret: string): Promise<SignedHead> {
    return signHead(this.store, await this.id(campaign), secret);
  }

  /** Hashes everything that the campaign names. */
  async verify(campaign: string, options?: VerifyOptions): Promise<Verification> {
    const { verifyCampaign } = await import("./maintenance/verify.ts");
    return verifyCampaign(this.store, await this.id(campaign), options);
  }

  /**
   * Makes damaged or missing artifacts again. Throws `unrepairable` if what they were made from is lost too.
   */
  async repair(
    campaign: string,
    {
      why = "",
      by = whoAmI(),
      requestId = randomUUID(),
      onPlace,
    }: ControlCampaignOptions & Pick<RepairOptions, "onPlace"> = {},
  ): Promise<Repair> {
    const { repairCampaign } = await import("./maintenance/repair.ts");
    return repairCampaign(this.store, this.gateway, await this.id(campaign), {
      why,
      by,
      requestId,
      onPlace,
    });
  }

  /**
   * Copies the campaign to another store. If it has not completed, only that store can resume it afterwards.
   */
  async copy(
    campaign: string,
    to: string | Store,
    { why = "", by = whoAmI() }: Omit<ControlCampaignOptions, "requestId"> = {},
  ): Promise<Copied> {
    const { copyCampaign } = await import("./maintenance/copy.ts");
    return copyCampaign(
      this.store,
      typeof to === "string" ? await openStore(to) : to,
      await this.id(campaign),
      { why, by },
    );
  }

  /** Deletes what no campaign of the store needs. */
  async prune({ dryRun = false, graceMs }: Partial<PruneOptions> = {}): Promise<Pruned> {
    const { GRACE_MS, pruneStore } = await import("./maintenance/prune.ts");
    return pruneStore(this.store, { dryRun, graceMs: graceMs ?? GRACE_MS });
  }

  /** Removes the rows of a prompt from all campaigns of the store. */
  async erase(
    promptId: string,
    { why, by = whoAmI(), requestId = randomUUID(), dryRun = false }: Partial<EraseOptions> & { why: string },
  ): Promise<Erased> {
    const { erasePrompt } = await import("./maintenance/erase.ts");
    return erasePrompt(this.store, promptId, { why, by, requestId, dryRun });
  }

  async exportCheckpoint(
    address: string,
    out: string,
    pointer: ExportPointer = "promoted",
  ): Promise<Exported> {
    return exportCheckpoint(this.store, await this.address(address), pointer, out);
  }

  async exportPairs(address: string, out: string): Promise<Exported> {
    return exportPairs(this.store, await this.address(address), out);
  }

  /** Questions or labels, of all questionnaires or those of one iteration. Never overwrites a file. */
  async exportLabels(address: string, out: string, options: ExportLabelsOptions): Promise<LabelsExported> {
    return exportLabels(this.store, await this.address(address), out, options);
  }

  /** Throws label_invalid before anything is written if a row of the file is no label. */
  async importLabels(address: string, options: ImportOptions): Promise<Imported> {
    return importLabelFile(this.store, await this.address(address), options, this.temporal);
  }

  /** What the page where people label needs of the campaign. */
  async labelSource(campaign: string): Promise<LabelSource> {
    return labelSource(this.store, await this.id(campaign), this.temporal);
  }

  /** No seal that is made later lists the labeler's labels. Returns what had been trained on them. */
  async withdrawLabels(
    address: string,
    labeler: string,
    {
      why = "",
      by = whoAmI(),
      requestId = randomUUID(),
      comparisons,
    }: ControlCampaignOptions & Pick<WithdrawOptions, "comparisons"> = {},
  ): Promise<LabelsWithdrawn> {
    const options = { labeler, comparisons, by, why, requestId };
    return withdrawLabels(this.store, await this.address(address), options);
  }

  async labelStats(
    address: string,
    checks?: Pick<ImportOptions, "file" | "path">,
  ): Promise<QuestionnaireStats[]> {
    return labelStats(this.store, await this.address(address), checks);
  }

  /** Ratchet's search attributes that the namespace lacks. Campaigns run without them. */
  missingSearchAttributes(): Promise<string[]> {
    return this.gateway.missingSearchAttributes();
  }

  async close(): Promise<void> {
    await this.temporal?.close();
  }

  private async control(
    verb: ControlVerb,
    campaign: string,
    { why = "", by = whoAmI(), requestId = randomUUID(), labels, to, at }: ControlRequestOptions = {},
  ): Promise<ControlReply> {
    const options = { by, why, requestId, labels, to, at };
    return controlCampaign(this.store, this.gateway, await this.id(campaign), verb, options);
  }

  private id(campaign: string): Promise<string> {
    return findCampaignId(this.store, campaign);
  }

  private address(text: string): Promise<Address> {
    return findAddress(this.store, text);
  }

  private get gateway(): Gateway {
    if (this.temporal) return this.temporal;
    throw new RatchetError("temporal_unreachable", "no Temporal server is configured", {
      hint: UNREACHABLE_HINT,
    });
  }
}

/** Loads Temporal's client only now: that takes half a second, and readers of the record do not need it. */
async function connectTemporal(temporal: TemporalAddress): Promise<Gateway> {
  const { TemporalGateway } = await import("../temporal/temporal-gateway.ts");
  return TemporalGateway.connect(temporal);
}

const whoAmI = (): string => `${userInfo().username}@${hostname()}`;
