// How each kind of fault is applied, and what the log must show before the fault counts as landed.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import type { LedgerEvent } from "../../campaign/types.ts";
import { listedRows, questionnaireIn } from "./check-labels.ts";
import { LABELS } from "./tiny-shop.ts";
import type { ChaosEnvironment } from "./environment.ts";
import { CAMPAIGN } from "./environment.ts";
import type { Events } from "./events.ts";
import type { Kind } from "./pairs.ts";
import type { Fault } from "./plan.ts";
import type { Answer, Attempt } from "./points.ts";
import { refusedFile } from "./layers/local-disk.ts";
import { childrenOf, isStopped, killGroup, signal, until } from "./processes.ts";
import type { Treatment } from "./s3-proxy.ts";
import { TemporalGateway } from "../../temporal/temporal-gateway.ts";
import type { Where } from "./tree.ts";

/** One fault that was applied. */
export interface AppliedFault {
  fault: Fault;
  attempt: Attempt;
  /** Process of the attempt. */
  pid: number;
  /** Number of events before the fault. */
  at: number;
  /** Observations while it was applied: evidence that it landed, and figures for the report. */
  seen: Record<string, unknown>;
  /** Whether the attempt has not ended in its process. */
  isOpen(): boolean;
}

/** Longer than the heartbeat timeout of 15 s: another attempt begins while this one is still alive. */
const BEYOND_HEARTBEAT_MS = 17_000;
/** Longer than every timeout of the product. */
const JUMP_MS = 3_600_000;
/**
 * The overtaken run notices at its next append, which may be at the end of a stage that is slow on a busy
 * machine.
 */
const LEASE_LOST_MS = 20 * 60_000;
const CHILDREN_MS = 30_000;
/** Of any of the comparisons, this many cover `minimum` to train on. */
const ENOUGH_LABELS = (LABELS.minimum + LABELS.audit) * LABELS.perComparison;
const KILLS = 30;
const REQUESTS = 60;
const PAUSE_ARRIVES_MS = 500;
const BETWEEN_KILLS_MS = 20;
const LOCAL_WRITE_MS = 30_000;
const ENGINE = "onnx/child.js";
const MODULE = "module/child.js";

interface KindOfFault {
  /**
   * Applies the fault from outside the worker while the attempt is held. The returned function, if any, runs
   * afterwards, while the attempt continues.
   */
  apply?(environment: ChaosEnvironment, applied: AppliedFault): Promise<void | (() => Promise<void>)>;
  /** Other faults may be applied while the returned function runs. */
  meanwhile?: true;
  /** The answer that makes the worker apply the fault to itself. */
  answer?(fault: Fault): Answer;
  /** How the proxy treats the request, and how many such requests in a row. */
  treatment?(fault: Fault): { treatment: Treatment; requests: number };
  /** Whether the log shows that the fault landed. Called repeatedly, and at the campaign's end. */
  landed(events: Events, applied: AppliedFault): boolean;
}

/** The attempt was cut off: it never ended in its process, and the activity was retried. */
const cutOff = (events: Events, { attempt, pid, at }: AppliedFault): boolean =>
  events.isOpen(attempt, pid, at) && events.isOpen(attempt, pid) && events.retried(attempt, at);

/** The attempt was open at the fault, and later ended or was retried. */
const livedThrough = (events: Events, { attempt, pid, at }: AppliedFault): boolean =>
  events.isOpen(attempt, pid, at) &&
  (events.ending(attempt, at) !== undefined || events.retried(attempt, at));

const stopped = (events: Events, applied: AppliedFault): boolean =>
  applied.seen["stopped"] === true && livedThrough(events, applied);
const restarted = (events: Events, applied: AppliedFault): boolean =>
  applied.seen["restarted"] === true && livedThrough(events, applied);

/** The proxy treated a request of that stage, and the activity succeeded. */
const answered = (events: Events, { attempt, at, seen }: AppliedFault): boolean =>
  Number(seen["requests"] ?? 0) > 0 && events.succeeded(attempt, at);

/** The worker applied the fault to itself in that attempt, and the activity succeeded. */
const done =
  (fault: "disk-full" | "clock-jump") =>
  (events: Events, { attempt, at }: AppliedFault): boolean =>
    events.list
      .slice(at)
      .some(
        ({ point }) =>
          point.what === "done" && point.fault === fault && point.attempt?.activityId === attempt.activityId,
      ) && events.succeeded(attempt, at);

const wrongly = (treatment: Treatment, requestsMax = 6): KindOfFault => ({
  treatment: ({ size }) => ({ treatment, requests: Math.min(size, requestsMax) }),
  landed: answered,
});
/**
 * One request only: the same wrong bytes in two reads in a row count as damage of the store, which needs
 * `repair`.
 */
const flipped = (flip: "answer" | "request"): KindOfFault => ({
  treatment: ({ size }) => ({ treatment: { flip, at: size / 7 }, requests: 1 }),
  landed: answered,
});

export const FAULTS: Record<Kind, KindOfFault> = {
  "worker-kill": {
    // Only the worker: its children have to notice by themselves.
    apply: async (_environment, applied) =>
      void (applied.seen["killedAtMs"] = signal(applied.pid, "SIGKILL") ? Date.now() : undefined),
    landed: cutOff,
  },
  "machine-kill": {
    async apply(environment, applied) {
      applied.seen["killedAtMs"] = Date.now();
      await environment.loseMachine(applied.pid);
    },
    landed: cutOff,
  },
  "worker-stop": {
    apply: (_environment, applied) =>
      stopFor(applied, [applied.pid], applied.fault.coin ? BEYOND_HEARTBEAT_MS : applied.fault.size * 400),
    landed: stopped,
  },
  "engine-kill": {
    apply: async (_environment, applied) => () => killChildren(applied, ENGINE),
    landed: (events, applied) =>
      applied.seen["killed"] === true && events.failed(applied.attempt.stage, "engine_died", applied.at),
  },
  "engine-stop": {
    apply: async (_environment, applied) => async () =>
      stopFor(applied, await workingChildren(applied, ENGINE), applied.fault.size * 400),
    landed: stopped,
  },
  // The killed module may have worked for another shard of the stage.
  "module-kill": {
    apply: async (_environment, applied) => () => killChildren(applied, MODULE),
    landed: (events, applied) =>
      applied.seen["killed"] === true && events.failed(applied.attempt.stage, "module_died", applied.at),
  },
  "server-kill": {
    async apply({ current }, applied) {
      const before = await current.tree.server();
      if (before !== undefined) killGroup(before);
      await until(
        "new Temporal server",
        async () => ![undefined, before].includes(await current.tree.server()),
      );
      applied.seen["restarted"] = true;
    },
    landed: restarted,
  },
  "server-away": {
    async apply({ current: { tree } }, applied) {
      const before = await tree.server();
      return async () => {
        // The supervisor restarts the server each time.
        for (const deadline = Date.now() + BEYOND_HEARTBEAT_MS; Date.now() < deadline; await sleep(100)) {
          const server = await tree.server();
          if (server !== undefined) killGroup(server);
        }
        await until("new Temporal server", async () => ![undefined, before].includes(await tree.server()));
        applied.seen["restarted"] = true;
      };
    },
    landed: restarted,
  },
  "server-stop": {
    async apply({ current }, applied) {
      const server = await current.tree.server();
      await stopFor(applied, server === undefined ? [] : [server], applied.fault.size * 600);
    },
    landed: stopped,
  },
  "tree-kill": {
    async apply(environment) {
      await environment.current.tree.kill();
      await environment.restartTree();
    },
    landed: cutOff,
  },
  "tree-stop": {
    async apply({ current: { tree } }, applied) {
      const wake = await tree.stop();
      await sleep(20);
      applied.seen["stopped"] = await isStopped(applied.pid);
      await sleep(applied.fault.coin ? BEYOND_HEARTBEAT_MS : applied.fault.size * 400);
      wake();
    },
    landed: stopped,
  },
  pause: {
    // The pause cancels the attempt, which is held until Temporal has the request.
    async apply(environment, applied) {
      const client = await environment.client();
      const pausing = client.pause(CAMPAIGN).then(
        () => true,
        () => false,
      );
      await sleep(PAUSE_ARRIVES_MS);
      return async () => {
        const paused = await pausing;
        await sleep(applied.fault.size * 200);
        if (paused) await untilDone(() => client.resume(CAMPAIGN));
        await client.close();
        applied.seen["resumed"] = paused;
      };
    },
    landed: (events, applied) => applied.seen["resumed"] === true && begunAgain(events, applied),
  },
  "database-lost": {
    async apply(environment, applied) {
      await environment.loseDatabase();
      await environment.restartTree();
      applied.seen["lost"] = true;
    },
    landed: (events, applied) =>
      applied.seen["lost"] === true &&
      events.isOpen(applied.attempt, applied.pid) &&
      begunAgain(events, applied),
  },
  "page-kill": {
    apply: async (_environment, { pid }) => void signal(pid, "SIGKILL"),
    landed: cutOff,
  },
  "page-stop": {
    apply: (_environment, applied) => stopFor(applied, [applied.pid], applied.fault.size * 400),
    landed: stopped,
  },
  // People change their minds while the questionnaire is being closed.
  "seal-and-label": {
    async apply({ crowd }, applied) {
      const before = crowd?.told.length ?? 0;
      await crowd?.changeMinds(applied.fault.size);
      applied.seen["given"] = (crowd?.told.length ?? 0) - before;
    },
    landed: (events, applied) => Number(applied.seen["given"]) > 0 && livedThrough(events, applied),
  },
  // Everything is down while the deadline passes: with enough labels the questionnaire closes without the
  // missing ones, otherwise the operator moves the deadline.
  "deadline-passed": {
    async apply(environment, applied) {
      const { crowd, records } = environment;
      // The first attempt opens the questionnaire: nobody can label while it is held.
      const isOpen = (await questionnaireIn(records)) !== undefined;
      const enough = applied.fault.coin && isOpen ? ENOUGH_LABELS : 0;
      await until("labels", () => (crowd?.told.length ?? 0) >= enough);
      await environment.sleepFor(LABELS.deadlineMs + JUMP_MS);
      await environment.restartTree();
      return async () => {
        const isShort = async (): Promise<boolean> =>
          (await environment.ledger()).some(
            ({ event }) => event.type === "paused" && event.short !== undefined,
          );
        const isSealed = async (): Promise<boolean> => (await listedRows(records)) !== undefined;
        await until("closed or short questionnaire", async () => (await isSealed()) || (await isShort()));
        applied.seen["short"] = await isShort();
        if (applied.seen["short"] === true) {
          const client = await environment.client();
          await untilDone(() => client.resume(CAMPAIGN, { labels: { extendMs: LABELS.deadlineMs * 2 } }));
          await client.close();
        }
      };
    },
    landed: (events, applied) => applied.seen["short"] !== undefined && cutOff(events, applied),
  },
  "power-loss": {
    async apply(environment, applied) {
      applied.seen["lost"] = await environment.losePower(applied.fault.coin);
      await environment.restartTree();
    },
    landed: cutOff,
  },
  "take-over": {
    async apply(environment, applied) {
      const old = environment.current;
      const rowOf = async (is: (event: LedgerEvent) => boolean): Promise<boolean> =>
        (await environment.ledger()).some(({ event }) => is(event));
      const isNewOwners = (event: LedgerEvent): boolean =>
        event.type === "opened" && event.server === environment.current.where.serverId;
      signal(applied.pid, "SIGSTOP");
      try {
        await environment.addTree();
        await environment.start({ takeOver: true });
        await until("row of the new owner", () =>
          rowOf((event) => event.type === "completed" || isNewOwners(event)),
        );
      } finally {
        signal(applied.pid, "SIGCONT");
      }
      // If this attempt belongs to an overtaken run, the campaign may have ended: there is nothing to take
      // over.
      if (!(await rowOf(isNewOwners))) return undefined;
      return async () => void (applied.seen["ended"] = await firstEnd(old, environment.current.where));
    },
    // The overtaken run continues until its next append, which may be at the campaign's end.
    meanwhile: true,
    landed: (_events, { seen }) => seen["ended"] === "lease_lost",
  },
  twice: {
    answer: () => ({ type: "twice" }),
    landed: (events, { attempt, at }) =>
      events.list
        .slice(at)
        .filter(
          ({ point }) =>
            point.what === "end" &&
            point.attempt.activityId === attempt.activityId &&
            point.attempt.attempt === attempt.attempt,
        ).length >= 2,
  },
  "clock-jump": {
    answer: ({ coin }) => ({ type: "jump", ms: coin ? JUMP_MS : -JUMP_MS }),
    landed: done("clock-jump"),
  },
  "disk-full": { answer: () => ({ type: "disk-full" }), landed: done("disk-full") },
  "local-disk-full": {
    apply: async (environment, applied) => {
      writeFileSync(environment.diskFull, "");
      return async () => {
        const refused = refusedFile(environment.diskFull);
        await until(
          "write beside the store",
          () => existsSync(refused) || !applied.isOpen(),
          LOCAL_WRITE_MS,
        ).catch(() => undefined);
        if (existsSync(refused)) applied.seen["refused"] = JSON.parse(readFileSync(refused, "utf8"));
        for (const file of [environment.diskFull, refused]) rmSync(file, { force: true });
      };
    },
    // The failed write may belong to another stage.
    landed: (events, { attempt, at, seen }) =>
      seen["refused"] !== undefined &&
      events.failed(attempt.stage, "disk_full", at) &&
      events.succeeded(attempt, at),
  },
  "s3-kill": {
    async apply({ s3 }, { fault }) {
      await s3?.server.kill();
      // The held request and the next ones find no server.
      return async () => {
        await sleep(fault.size * 500);
        await s3?.server.up();
      };
    },
    landed: (events, applied) => applied.seen["unreachable"] === true && livedThrough(events, applied),
  },
  "s3-away": {
    async apply({ s3 }) {
      await s3?.server.kill();
      return async () => {
        await sleep(BEYOND_HEARTBEAT_MS);
        await s3?.server.up();
      };
    },
    landed: (events, applied) => applied.seen["unreachable"] === true && livedThrough(events, applied),
  },
  "s3-stop": {
    apply: ({ s3 }, applied) =>
      stopFor(applied, s3?.server.pid === undefined ? [] : [s3.server.pid], applied.fault.size * 600),
    landed: stopped,
  },
  "s3-500": wrongly({ answer: 500 }),
  "s3-503": wrongly({ answer: 503 }),
  "s3-409": wrongly({ answer: 409 }),
  "s3-412": wrongly({ answer: 412 }),
  "s3-lost-answer": wrongly("lose-answer", 3),
  "s3-no-answer": wrongly("no-answer", 1),
  "s3-cut-answer": wrongly("cut-answer", 3),
  "s3-flipped-answer": flipped("answer"),
  "s3-wrong-checksum": flipped("request"),
};

/** The stage began once more, perhaps in another run of its workflow. */
const begunAgain = (events: Events, { attempt, at }: AppliedFault): boolean =>
  events.list
    .slice(at)
    .some(
      ({ point }) =>
        point.what === "begin" &&
        point.attempt.workflowId === attempt.workflowId &&
        point.attempt.stage === attempt.stage,
    );

/** A request to the campaign, repeated while its worker or its server does not answer. */
async function untilDone(request: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await request();
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (tries === REQUESTS || code === "campaign_ended") throw error;
      await sleep(500);
    }
  }
}

async function stopFor(applied: AppliedFault, pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  await sleep(20);
  applied.seen["stopped"] = pids.length > 0 && (await Promise.all(pids.map(isStopped))).some(Boolean);
  await sleep(ms);
  for (const pid of pids) signal(pid, "SIGCONT");
}

/** Waits for the children, because the attempt may not have started them yet. */
async function workingChildren({ pid, isOpen }: AppliedFault, words: string): Promise<number[]> {
  let pids: number[] = [];
  await until(
    words,
    async () => (pids = await childrenOf(pid, words)).length > 0 || !isOpen(),
    CHILDREN_MS,
  ).catch(() => undefined);
  return pids;
}

/** Kills children until the attempt fails: the death of an idle child goes unnoticed. */
async function killChildren(applied: AppliedFault, words: string): Promise<void> {
  for (let tries = 0; tries < KILLS && applied.isOpen(); tries += 1) {
    const pids = await workingChildren(applied, words);
    if (pids.map((pid) => signal(pid, "SIGKILL")).some(Boolean)) applied.seen["killed"] = true;
    await sleep(BETWEEN_KILLS_MS);
  }
}

/**
 * The failure code of the run that lost the campaign: the old run, or the new one if the old one was about to
 * open.
 */
async function firstEnd(old: ChaosEnvironment["current"], taker: Where): Promise<string | undefined> {
  let found: string | undefined;
  let bothCompleted = false;
  await until(
    "end of the run that lost the campaign",
    async () => {
      const ends = await Promise.all([old.where, taker].map(endOn));
      found = ends.find((end) => end !== undefined && end !== COMPLETED);
      bothCompleted = ends.every((end) => end === COMPLETED);
      // After a power failure only the newest tree is restarted: the old tree never ends its run.
      return found !== undefined || bothCompleted || !old.tree.isUp;
    },
    LEASE_LOST_MS,
  );
  if (bothCompleted) throw new Error("both runs completed the campaign: neither lost it to the other");
  return found;
}

const COMPLETED = "completed";

/**
 * How the campaign's run ended on that server: `completed` or its failure code. Undefined while it runs, or
 * when the server does not answer because of another fault.
 */
async function endOn({ address, namespace, serverId }: Where): Promise<string | undefined> {
  try {
    const gateway = await TemporalGateway.connect({ address, namespace, connection: {}, identity: serverId });
    const id = campaignWorkflowId(CAMPAIGN);
    const status = (await gateway.run(id))?.status;
    const ended =
      status === "failed"
        ? (await gateway.failure(id))?.code
        : status === "completed"
          ? COMPLETED
          : undefined;
    await gateway.close();
    return ended;
  } catch {
    return undefined;
  }
}
