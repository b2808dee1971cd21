// Scripted activities answer the whole contract at once with invented digests, so that a test can drive the
// real workflows on a real server through any order of events. They compute nothing.
import { Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import type {
  ControlActivities,
  FanOutInput,
  ShardDone,
  StageActivities,
} from "../../activities/contract.ts";
import type { AmendedEvent, AppendInput, RolledBack } from "../../activities/ledger-contract.ts";
import type { LabelsCounted } from "../../activities/label-contract.ts";
import { placeName } from "../../campaign/ids.ts";
import { rollbackTo } from "../../campaign/rollback.ts";
import { foldLedger, standingOf } from "../../campaign/rules.ts";
import { scheduledId } from "../../campaign/schedule.ts";
import { amendmentsFrom } from "../../campaign/specs-in-force.ts";
import type {
  Decision,
  LedgerEvent,
  LedgerRow,
  Plan,
  Shard,
  Split,
  StageInput,
  StageName,
} from "../../campaign/types.ts";

export interface Script {
  plan: Plan;
  /** Plans of amended specs, by digest. */
  amended: Record<string, Plan>;
  /** Called before a row is written; may wait. */
  writing?(event: LedgerEvent): Promise<void> | void;
  /** Called before a stage activity answers; may throw or wait. */
  before?(
    stage: StageName,
    place: string,
    attempt: number,
    of: { split?: Split | undefined; shard?: number | undefined },
  ): Promise<void> | void;
  /** The decision of promote; default `promoted`. */
  decide?(place: string): Decision;
  /** How far a questionnaire is; default closed. */
  count?(rows: readonly LedgerRow[]): LabelsCounted;
  rows: LedgerRow[];
  /** Inputs of all stage activities and seals, in the order of their begins. */
  asked: (StageInput & { stage: StageName } & Record<string, unknown>)[];
  /** Entries such as `it-0001.1 train`, in the order in which activities finished. */
  finished: string[];
}

export const PLAN: Plan = {
  iterations: 2,
  sft: true,
  reward: true,
  preferences: "labels",
  bootstrapLabels: { by: "module", audit: true },
  reference: "initial",
  proxy: "rewards",
  judgedBy: "gold",
  judge: true,
  alsoAgainst: 0,
  baselines: [{ name: "offline", pairs: "labels" }],
  pieces: { bootstrap: 2, audit: 1, iteration: 5, baseline: 10, validation: 1, test: 2 },
  shardPieces: 2,
  maxConcurrentShards: 2,
  queues: {
    sft: "cpu",
    reward: "cpu",
    generate: "cpu",
    score: "cpu",
    label: "cpu",
    audit: "cpu",
    refit: "cpu",
    pair: "cpu",
    train: "cpu",
    answer: "cpu",
    reference: "cpu",
    judge: "cpu",
    evaluate: "cpu",
    promote: "cpu",
  },
};

export function script(plan: Partial<Plan> = {}): Script {
  const created: LedgerRow = {
    schema: "ratchet.ledger/1",
    n: 0,
    epoch: 0,
    id: "created",
    event: { type: "created", specDigest: "spec", name: "scripted" },
    previous: null,
    at: "",
    by: "test",
  };
  return { plan: { ...PLAN, ...plan }, amended: {}, rows: [created], asked: [], finished: [] };
}

export function scriptedActivities(play: Script): { control: ControlActivities; stages: StageActivities } {
  const append = ({ id, event, epoch, by }: Omit<AppendInput, "campaign">): void => {
    if (play.rows.some((row) => row.id === id)) return;
    play.rows.push({
      schema: "ratchet.ledger/1",
      n: play.rows.length,
      epoch,
      id,
      event,
      previous: null,
      at: "",
      by,
    });
  };

  async function stage<R>(
    input: StageInput & { stage: StageName },
    detail: string,
    answer: R,
    shard?: number,
  ): Promise<R> {
    const { info, cancelled } = Context.current();
    play.asked.push({ ...input });
    const beat = setInterval(() => Context.current().heartbeat(), 200);
    try {
      await Promise.race([
        play.before?.(input.stage, placeName(input.place), info.attempt, { split: splitOf(input), shard }),
        cancelled,
      ]);
    } finally {
      clearInterval(beat);
    }
    play.finished.push(`${placeName(input.place)} ${input.stage}${detail}`);
    return answer;
  }
  const named = (input: StageInput & { stage: StageName }, more = "") =>
    `${placeName(input.place)}-${input.stage}${more}`;
  const shard = (input: FanOutInput, range: Shard): Promise<ShardDone> =>
    stage(input, `#${range.index}`, { pieces: range.to - range.from, adopted: 0 }, range.index);

  return {
    control: {
      async open({ campaign, runId }) {
        const epoch = Math.max(...play.rows.map((row) => row.epoch)) + 1;
        append({
          id: `opened:${runId}`,
          event: { type: "opened", server: "test", namespace: "test", runId },
          epoch,
          by: "test",
        });
        const record = foldLedger(campaign.campaignId, play.rows);
        return {
          epoch,
          policy: "given",
          plan: play.plan,
          specDigest: record.specs[0]?.specDigest,
          amendments: amendmentsFrom(record.specs, record.next).map((amended) => ({
            ...amended,
            plan: play.amended[amended.specDigest]!,
          })),
          record: standingOf(record),
          searchAttributes: false,
        };
      },
      async append(input) {
        await play.writing?.(input.event);
        append(input);
      },
      async amend({ specDigest, base, holdsFrom, asked, ...row }) {
        const event: AmendedEvent = { type: "amended", specDigest, holdsFrom, changes: [], ...asked };
        await play.writing?.(event);
        const plan = play.amended[specDigest]!;
        if (play.rows.some(({ id }) => id === row.id)) return { event, plan };
        if (foldLedger("", play.rows).specDigest !== base)
          throw ApplicationFailure.nonRetryable("amended meanwhile", "amend_outdated");
        append({ ...row, event });
        return { event, plan };
      },
      async rollback({ to, asked, ...row }) {
        const restored = rollbackTo(play.rows, to);
        if (typeof restored === "string") throw ApplicationFailure.nonRetryable(restored, "address_unknown");
        const event: RolledBack = { type: "rolled-back", restored, ...asked };
        append({ ...row, event });
        return event;
      },
      beginFiring: ({ id, at, timeZone }) =>
        Promise.resolve({ campaignId: scheduledId(id, new Date(at), timeZone), searchAttributes: false }),
      countLabels: (input) => {
        play.asked.push({ ...input });
        return Promise.resolve(play.count?.(play.rows) ?? { labels: 1, slots: 1, state: "closed" });
      },
      sealLabels: (input) => stage(input, " sealed", { digest: named(input), values: {} }),
      seal: (input) => {
        play.asked.push({ ...input });
        return Promise.resolve({ digest: named(input, "of" in input ? `-${input.of}` : ""), values: {} });
      },
    },
    stages: {
      generate: shard,
      answer: shard,
      score: shard,
      reference: shard,
      judge: shard,
      label: (input) => stage(input, "", { digest: named(input), values: {} }),
      audit: (input) => stage(input, "", { digest: named(input), values: {} }),
      pair: (input) => stage(input, "", { digest: named(input), values: {} }),
      train: (input) =>
        stage(input, "", { digest: named(input), policy: named(input, "-policy"), values: {} }),
      evaluate: (input) => stage(input, "", { digest: named(input, `-${input.split}`), values: {} }),
      promote: (input) =>
        stage(input, "", {
          digest: named(input),
          decision: play.decide?.(placeName(input.place)) ?? "promoted",
          values: {},
        }),
    },
  };
}

/** The split of an evaluation, or of a stage that measures it. */
function splitOf(input: object): Split | undefined {
  const { split, of } = input as { split?: Split; of?: string };
  return split ?? (of === "validation" || of === "test" ? of : undefined);
}

/** A gate that holds activities until the test opens it. */
export function gate(): { reached: Promise<void>; wait(): Promise<void>; open(): void } {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return {
    reached,
    open,
    wait: () => {
      reach();
      return opened;
    },
  };
}

/** Holds the first attempt of a stage of a place, until its gate is opened. */
export function holding(
  play: Script,
  [place, stage]: [place: string, stage: string],
): ReturnType<typeof gate> {
  const reached = gate();
  let held = false;
  play.before = async (running, at) => {
    if (held || running !== stage || at !== place) return;
    held = true;
    await reached.wait();
  };
  return reached;
}
