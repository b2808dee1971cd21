// A gateway without Temporal: a test sets the state of its runs.
import { RatchetError } from "../../errors/index.ts";
import type { Gateway, Run } from "../../temporal/gateway.ts";
import type { Schedules } from "../../temporal/schedules.ts";
import type { Poller } from "../../temporal/pollers.ts";
import type { CampaignInput } from "../../campaign/types.ts";
import type { CampaignProgress, ControlReply, ControlVerb, StageProgress } from "../../workflows/messages.ts";

export class FakeGateway implements Gateway {
  readonly address = "fake:7233";
  readonly namespace = "default";
  server = "here";
  runs = new Map<string, Run>();
  started: { input: CampaignInput; replace: boolean }[] = [];
  controls: { verb: ControlVerb; updateId: string }[] = [];
  /** Places that were told of labels. */
  told: string[] = [];
  queuePollers: Record<string, Poller[]> = {};
  answer: CampaignProgress | undefined;
  stages = new Map<string, StageProgress>();
  /** Number of calls of `run` that fail before the server answers again. */
  awayFor = 0;

  get schedules(): Schedules {
    throw new RatchetError("temporal_unreachable", "this gateway has no schedules");
  }

  identity = async (): Promise<string> => this.server;

  async run(workflowId: string): Promise<Run | undefined> {
    if (this.awayFor-- > 0)
      throw new RatchetError("temporal_unreachable", "no Temporal server answers at fake:7233");
    return this.runs.get(workflowId);
  }

  async start(input: CampaignInput, { replace }: { replace: boolean }): Promise<{ runId: string }> {
    this.started.push({ input, replace });
    const runId = `run-${this.started.length}`;
    this.runs.set(`ratchet:${input.campaignId}`, { runId, status: "running", pending: [] });
    return { runId };
  }

  async control(
    _campaignId: string,
    verb: ControlVerb,
    _request: unknown,
    { updateId }: { updateId: string },
  ): Promise<ControlReply> {
    this.controls.push({ verb, updateId });
    return { status: verb === "pause" ? "paused" : "running" };
  }

  labelsGiven = async (campaignId: string, place: string): Promise<void> =>
    void this.told.push(`${campaignId}/${place}`);

  async runPlace<R>(): Promise<R> {
    throw new RatchetError("no_worker", "this gateway runs nothing");
  }

  failure = async (): Promise<{ code: string; message: string }> => ({
    code: "lease_lost",
    message: "taken over",
  });
  progress = async (): Promise<CampaignProgress | undefined> => this.answer;
  stageProgress = async (workflowId: string): Promise<StageProgress | null> =>
    this.stages.get(workflowId) ?? null;
  pollers = async (queue: string): Promise<Poller[]> => this.queuePollers[queue] ?? [];
  missingSearchAttributes = async (): Promise<string[]> => [];
  close = async (): Promise<void> => undefined;
}
