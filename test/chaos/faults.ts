// How each kind of fault is put, and what the record must show before it counts.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import type { LedgerEvent } from "../../campaign/types.ts";
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

/** One fault that was put. */
export interface Put {
  fault: Fault;
  attempt: Attempt;
  /** Process in which the attempt ran. */
  pid: number;
  /** Number of events before it. */
  at: number;
  /** Said by whoever put it, for proof and reader. */
  seen: Record<string, unknown>;
  /** Whether the attempt goes on in its process. */
  isOpen(): boolean;
}

/** Heartbeats time out after 15 s: a stop beyond that lets another attempt begin while this one still lives. */
const BEYOND_HEARTBEAT_MS = 17_000;
/** A jump beyond every limit that a clock decides. */
const JUMP_MS = 3_600_000;
/** Its next append may be at the end of a stage that takes long on a loaded machine. */
const LEASE_LOST_MS = 20 * 60_000;
const CHILDREN_MS = 30_000;
const KILLS = 30;
const BETWEEN_KILLS_MS = 20;
const LOCAL_WRITE_MS = 30_000;
const ENGINE = "onnx/child.js";
const MODULE = "module/child.js";

interface KindOfFault {
  /** Does it, from outside of the worker, until the damage is mended again. What it returns is waited for without holding the attempt. */
  inflict?(environment: ChaosEnvironment, put: Put): Promise<void | (() => Promise<void>)>;
  /** Other faults may come while that is waited for. */
  meanwhile?: true;
  /** What the worker is told to do to itself. */
  answer?(fault: Fault): Answer;
  /** What the proxy does with the request, and with how many of its sort in a row. */
  treatment?(fault: Fault): { treatment: Treatment; requests: number };
  /** Whether the record shows that it landed. Asked until it does, and at the campaign's end. */
  landed(events: Events, put: Put): boolean;
}

/** The attempt was cut off: it never ended in its process, and the activity was tried again. */
const cutOff = (events: Events, { attempt, pid, at }: Put): boolean =>
  events.isOpen(attempt, pid, at) && events.isOpen(attempt, pid) && events.retried(attempt, at);

/** It ran before and afterwards: the attempt was open, and ended or was tried again later. */
const livedThrough = (events: Events, { attempt, pid, at }: Put): boolean =>
  events.isOpen(attempt, pid, at) &&
  (events.ending(attempt, at) !== undefined || events.retried(attempt, at));

const stopped = (events: Events, put: Put): boolean =>
  put.seen["stopped"] === true && livedThrough(events, put);
const restarted = (events: Events, put: Put): boolean =>
  put.seen["restarted"] === true && livedThrough(events, put);

/** The proxy did it to a request of that stage, and the activity came to a good end. */
const answered = (events: Events, { attempt, at, seen }: Put): boolean =>
  Number(seen["requests"] ?? 0) > 0 && events.succeeded(attempt, at);

/** The worker did it to itself in that attempt. */
const done =
  (fault: "disk-full" | "clock-jump") =>
  (events: Events, { attempt, at }: Put): boolean =>
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
/** Once: the same damage in two reads running is damage in the store, which no chaos of ours mends. */
const flipped = (flip: "answer" | "request"): KindOfFault => ({
  treatment: ({ size }) => ({ treatment: { flip, at: size / 7 }, requests: 1 }),
  landed: answered,
});

export const FAULTS: Record<Kind, KindOfFault> = {
  "worker-kill": {
    // Its children are in its group; they are left to notice by themselves.
    inflict: async (_arena, put) =>
      void (put.seen["killedAtMs"] = signal(put.pid, "SIGKILL") ? Date.now() : undefined),
    landed: cutOff,
  },
  "machine-kill": {
    async inflict(environment, put) {
      put.seen["killedAtMs"] = Date.now();
      await environment.loseMachine(put.pid);
    },
    landed: cutOff,
  },
  "worker-stop": {
    inflict: (_arena, put) =>
      stopFor(put, [put.pid], put.fault.coin ? BEYOND_HEARTBEAT_MS : put.fault.size * 400),
    landed: stopped,
  },
  "engine-kill": {
    inflict: async (_arena, put) => () => killChildren(put, ENGINE),
    landed: (events, put) =>
      put.seen["killed"] === true && events.failed(put.attempt.stage, "engine_died", put.at),
  },
  "engine-stop": {
    inflict: async (_arena, put) => async () =>
      stopFor(put, await workingChildren(put, ENGINE), put.fault.size * 400),
    landed: stopped,
  },
  // The one that it kills may answer another shard of the stage first.
  "module-kill": {
    inflict: async (_arena, put) => () => killChildren(put, MODULE),
    landed: (events, put) =>
      put.seen["killed"] === true && events.failed(put.attempt.stage, "module_died", put.at),
  },
  "server-kill": {
    async inflict({ current }, put) {
      const before = await current.tree.server();
      if (before !== undefined) killGroup(before);
      await until(
        "new Temporal server",
        async () => ![undefined, before].includes(await current.tree.server()),
      );
      put.seen["restarted"] = true;
    },
    landed: restarted,
  },
  "server-away": {
    async inflict({ current: { tree } }, put) {
      const before = await tree.server();
      return async () => {
        // Its supervisor starts it again and again meanwhile.
        for (const deadline = Date.now() + BEYOND_HEARTBEAT_MS; Date.now() < deadline; await sleep(100)) {
          const server = await tree.server();
          if (server !== undefined) killGroup(server);
        }
        await until("new Temporal server", async () => ![undefined, before].includes(await tree.server()));
        put.seen["restarted"] = true;
      };
    },
    landed: restarted,
  },
  "server-stop": {
    async inflict({ current }, put) {
      const server = await current.tree.server();
      await stopFor(put, server === undefined ? [] : [server], put.fault.size * 600);
    },
    landed: stopped,
  },
  "tree-kill": {
    async inflict(environment) {
      await environment.current.tree.kill();
      await environment.restartTree();
    },
    landed: cutOff,
  },
  "tree-stop": {
    async inflict({ current: { tree } }, put) {
      const wake = await tree.stop();
      await sleep(20);
      put.seen["stopped"] = await isStopped(put.pid);
      await sleep(put.fault.coin ? BEYOND_HEARTBEAT_MS : put.fault.size * 400);
      wake();
    },
    landed: stopped,
  },
  "power-loss": {
    async inflict(environment, put) {
      put.seen["lost"] = await environment.losePower(put.fault.coin);
      await environment.restartTree();
    },
    landed: cutOff,
  },
  "take-over": {
    async inflict(environment, put) {
      const old = environment.current;
      const rowOf = async (is: (event: LedgerEvent) => boolean): Promise<boolean> =>
        (await environment.ledger()).some(({ event }) => is(event));
      const isNewOwners = (event: LedgerEvent): boolean =>
        event.type === "opened" && event.server === environment.current.where.serverId;
      signal(put.pid, "SIGSTOP");
      try {
        await environment.addTree();
        await environment.start({ takeOver: true });
        await until("row of the new owner", () =>
          rowOf((event) => event.type === "completed" || isNewOwners(event)),
        );
      } finally {
        signal(put.pid, "SIGCONT");
      }
      // A run that was overtaken before may be at work when its campaign has ended: there was nothing left to take.
      if (!(await rowOf(isNewOwners))) return undefined;
      return async () => void (put.seen["ended"] = await firstEnd(old, environment.current.where));
    },
    // The run that lost goes on until its next append, which may be at the campaign's end.
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
    inflict: async (environment, put) => {
      writeFileSync(environment.diskFull, "");
      return async () => {
        const refused = refusedFile(environment.diskFull);
        await until(
          "write beside the store",
          () => existsSync(refused) || !put.isOpen(),
          LOCAL_WRITE_MS,
        ).catch(() => undefined);
        if (existsSync(refused)) put.seen["refused"] = JSON.parse(readFileSync(refused, "utf8"));
        for (const file of [environment.diskFull, refused]) rmSync(file, { force: true });
      };
    },
    // The write may have been another stage's.
    landed: (events, { attempt, at, seen }) =>
      seen["refused"] !== undefined &&
      events.failed(attempt.stage, "disk_full", at) &&
      events.succeeded(attempt, at),
  },
  "s3-kill": {
    async inflict({ s3 }, { fault }) {
      await s3?.server.kill();
      // The held request, and those that follow, find nobody there.
      return async () => {
        await sleep(fault.size * 500);
        await s3?.server.up();
      };
    },
    landed: (events, put) => put.seen["unreachable"] === true && livedThrough(events, put),
  },
  "s3-away": {
    async inflict({ s3 }) {
      await s3?.server.kill();
      return async () => {
        await sleep(BEYOND_HEARTBEAT_MS);
        await s3?.server.up();
      };
    },
    landed: (events, put) => put.seen["unreachable"] === true && livedThrough(events, put),
  },
  "s3-stop": {
    inflict: ({ s3 }, put) =>
      stopFor(put, s3?.server.pid === undefined ? [] : [s3.server.pid], put.fault.size * 600),
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

async function stopFor(put: Put, pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  await sleep(20);
  put.seen["stopped"] = pids.length > 0 && (await Promise.all(pids.map(isStopped))).some(Boolean);
  await sleep(ms);
  for (const pid of pids) signal(pid, "SIGCONT");
}

/** The attempt is not held: it may only be about to start them. */
async function workingChildren({ pid, isOpen }: Put, words: string): Promise<number[]> {
  let pids: number[] = [];
  await until(
    words,
    async () => (pids = await childrenOf(pid, words)).length > 0 || !isOpen(),
    CHILDREN_MS,
  ).catch(() => undefined);
  return pids;
}

/** One that was waiting for work dies unnoticed: the next is killed, until the attempt has lost one. */
async function killChildren(put: Put, words: string): Promise<void> {
  for (let tries = 0; tries < KILLS && put.isOpen(); tries += 1) {
    const pids = await workingChildren(put, words);
    if (pids.map((pid) => signal(pid, "SIGKILL")).some(Boolean)) put.seen["killed"] = true;
    await sleep(BETWEEN_KILLS_MS);
  }
}

/** How the run that lost ended: the code of its failure. Usually the old one's; the new one's where the old one was just about to open. */
async function firstEnd(old: ChaosEnvironment["current"], taker: Where): Promise<string | undefined> {
  let found: string | undefined;
  let bothCompleted = false;
  await until(
    "end of the run that lost the campaign",
    async () => {
      const ends = await Promise.all([old.where, taker].map(endOn));
      found = ends.find((end) => end !== undefined && end !== COMPLETED);
      bothCompleted = ends.every((end) => end === COMPLETED);
      // After a power failure somebody starts the newest tree again, and nobody the one that it took the campaign from.
      return found !== undefined || bothCompleted || !old.tree.isUp;
    },
    LEASE_LOST_MS,
  );
  if (bothCompleted) throw new Error("both runs completed the campaign: neither lost it to the other");
  return found;
}

const COMPLETED = "completed";

/** How the campaign's run ended on that server: `completed`, or the code of its failure. One that is away, by another fault, is asked again. */
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
