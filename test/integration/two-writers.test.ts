// Two live writers of one campaign, stopped and continued at chosen points: the late writer adopts results or
// ends with `lease_lost`, nothing is overwritten, and the weights are the undisturbed run's. Each test runs
// on a directory and on a real S3 server.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { TemporalGateway } from "../../temporal/temporal-gateway.ts";
import { ChaosEnvironment, CAMPAIGN } from "../chaos/environment.ts";
import type { Watcher } from "../chaos/environment.ts";
import { cachedUndisturbed } from "../chaos/built.ts";
import { check } from "../chaos/check.ts";
import { Events } from "../chaos/events.ts";
import type { Outcome } from "../chaos/outcome.ts";
import type { StoreKind } from "../chaos/pairs.ts";
import { GO } from "../chaos/points.ts";
import type { Attempt, Point } from "../chaos/points.ts";
import { signal, until } from "../chaos/processes.ts";
import { TEST_SEED } from "../chaos/tiny-shop.ts";
import type { Where } from "../chaos/tree.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";

const WORKER = fileURLToPath(new URL("../chaos/worker.js", import.meta.url));
const { RATCHET_TEST_TEMPORAL_BIN: temporal = "", RATCHET_TEST_VERSITYGW_BIN: versitygw } = process.env;

/** Holds the first attempt that reaches a wanted point, until `letGo`. */
class Holder implements Watcher {
  readonly events = new Events();
  held: { attempt: Attempt; pid: number } | undefined;
  private readonly wanted: (point: Point) => boolean;
  private release: () => void = () => undefined;
  private readonly released = new Promise<void>((resolve) => (this.release = resolve));

  constructor(wanted: (point: Point) => boolean) {
    this.wanted = wanted;
  }

  async point(point: Point, pid: number): Promise<typeof GO> {
    this.events.add(point, pid);
    await this.hold(point, pid);
    return GO;
  }

  async before(request: Parameters<Watcher["before"]>[0]): Promise<"pass"> {
    const point: Point = { what: "store", when: "before", ...request };
    await this.hold(point, this.pidOf(request.attempt));
    return "pass";
  }

  after = async (): Promise<void> => undefined;
  unreachable = (): void => undefined;

  letGo(): void {
    this.release();
  }

  private async hold(point: Point, pid: number): Promise<void> {
    if (this.held || !("attempt" in point) || !point.attempt || !this.wanted(point)) return;
    this.held = { attempt: point.attempt, pid };
    await this.released;
  }

  private pidOf(attempt: Attempt | undefined): number {
    return (
      this.events.list.findLast(
        ({ point }) =>
          point.what === "begin" &&
          point.attempt.activityId === attempt?.activityId &&
          point.attempt.workflowId === attempt.workflowId,
      )?.pid ?? -1
    );
  }
}

const commitOf =
  (stage: string, key: RegExp) =>
  (point: Point): boolean =>
    point.what === "store" &&
    point.when === "before" &&
    point.operation === "create" &&
    point.attempt?.stage === stage &&
    key.test(point.key);

// Side by side, because most of the time each waits for a timeout of a stopped worker.
describe("two writers", { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS, concurrency: 2 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "ratchet-writers-"));
  const tools = { temporal, versitygw };
  let undisturbed: Outcome;
  before(async () => {
    // Its digests are the same in every store.
    const settings = { seed: TEST_SEED, store: "dir" as const, tools, folder };
    ({ outcome: undisturbed } = await cachedUndisturbed(settings, () => undefined));
  });
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

  for (const kind of ["dir", "s3"] as const satisfies StoreKind[]) {
    const skip =
      kind === "s3" && !versitygw
        ? "RATCHET_TEST_VERSITYGW_BIN is not set: run through `npm test`, without --no-s3"
        : false;
    describe(`on ${kind}`, { skip, timeout: STUCK_MS, concurrency: 1 }, () => {
      const started: ChildProcess[] = [];
      let environment: ChaosEnvironment;
      let tests = 0;

      const open = async (holder: Holder): Promise<void> => {
        environment = await ChaosEnvironment.open(join(folder, `${kind}-${(tests += 1)}`), {
          seed: TEST_SEED,
          kind,
          tools,
        });
        environment.watcher = holder;
      };
      /** Opens and starts a campaign, and waits until the bootstrap's ledger row is about to be written. */
      const heldAtBootstrapRow = async (): Promise<{ holder: Holder; pid: number }> => {
        const holder = new Holder(commitOf("append", /\/ledger\//));
        await open(holder);
        await environment.start();
        await until("row of the bootstrap, about to be written", () => holder.held !== undefined);
        return { holder, pid: (holder.held as NonNullable<Holder["held"]>).pid };
      };
      /** A second worker for the campaign's server with its own state folder, as on another machine. */
      const secondWorker = (): void => {
        const { tree, where } = environment.current;
        const env = {
          ...tree.options.env,
          TEMPORAL_ADDRESS: where.address,
          TEMPORAL_NAMESPACE: where.namespace,
          RATCHET_STORE: environment.storeName,
          RATCHET_SERVER_ID: where.serverId,
          RATCHET_STATE: join(environment.folder, "second"),
        };
        const worker = spawn(process.execPath, [WORKER], { env, stdio: "ignore", detached: true });
        environment.parentWatch.hold(worker.pid as number);
        started.push(worker);
      };
      const holds = async (holder: Holder): Promise<void> => {
        assert.equal(await environment.ended(STUCK_MS), "completed");
        // Two writers may both compute a result that only one of them commits: repeated work is not checked
        // here.
        const { problems } = await check(environment.records, undisturbed, new Events(), [], environment);
        assert.deepEqual(
          problems.filter((problem) => !problem.includes("resumed from step")),
          [],
          `${holder.events.count} events`,
        );
      };

      const close = async (): Promise<void> => {
        for (const worker of started.splice(0)) signal(worker.pid as number, "SIGKILL");
        await environment.close();
      };

      describe("on one server", () => {
        after(close);

        it("a worker that was stopped before its commit adopts what a second worker committed", async () => {
          const holder = new Holder(commitOf("generate", /\/it-0001\.1\/generate\/piece-/));
          await open(holder);
          await Promise.all([environment.start(), environment.start()]);
          await until("piece that is uploaded and not committed", () => holder.held !== undefined);
          const { attempt, pid } = holder.held as NonNullable<Holder["held"]>;
          signal(pid, "SIGSTOP");
          secondWorker();
          await until("second worker that finishes the shard", () =>
            holder.events.list.some(
              (event) =>
                event.pid !== pid &&
                event.point.what === "end" &&
                event.point.attempt.activityId === attempt.activityId &&
                event.point.attempt.workflowId === attempt.workflowId,
            ),
          );
          holder.letGo();
          signal(pid, "SIGCONT");
          await holds(holder);
        });

        it("two simultaneous starts of one id give one campaign", async () => {
          const rows = await environment.ledger();
          assert.deepEqual(
            rows.map(({ event }) => event.type),
            ["created", "opened", "bootstrap-finished", "iteration-finished", "completed"],
          );
        });
      });

      describe("on two servers", () => {
        afterEach(close);

        it("a second server needs --take-over; then the first one's run ends with lease_lost", async () => {
          const { holder, pid } = await heldAtBootstrapRow();
          signal(pid, "SIGSTOP");
          const old = environment.current.where;
          await environment.addTree();
          await assert.rejects(environment.start(), { code: "owned_elsewhere" });
          await environment.start({ takeOver: true });
          await until("row of the new owner", async () =>
            (await environment.ledger()).some(({ epoch }) => epoch === 2),
          );
          holder.letGo();
          signal(pid, "SIGCONT");
          assert.equal(await failureOf(old), "lease_lost");
          await holds(holder);
        });

        it("a server that is restored from a backup too late ends with lease_lost", async () => {
          const { holder } = await heldAtBootstrapRow();
          const { tree } = environment.current;
          await tree.kill();
          const [database, backup] = [
            join(tree.options.stateDir, "temporal"),
            join(environment.folder, "backup"),
          ];
          cpSync(database, backup, { recursive: true });
          // The database is lost: the same start resumes the campaign from its ledger.
          for (const name of readdirSync(database)) if (name.includes(".db")) rmSync(join(database, name));
          holder.letGo();
          await environment.restartTree();
          await holds(holder);
          await tree.down();
          cpSync(backup, database, { recursive: true, force: true });
          for (const name of readdirSync(database))
            if (!readdirSync(backup).includes(name)) rmSync(join(database, name));
          environment.current.where = await tree.up();
          assert.equal(await failureOf(environment.current.where), "lease_lost");
          await holds(holder);
        });
      });
    });
  }
});

/** Code of the campaign's run on a server, once it has failed there. */
async function failureOf({ address, namespace, serverId }: Where): Promise<string | undefined> {
  const gateway = await TemporalGateway.connect({ address, namespace, connection: {}, identity: serverId });
  try {
    const id = campaignWorkflowId(CAMPAIGN);
    await until("end of the stale run", async () => (await gateway.run(id))?.status === "failed");
    return (await gateway.failure(id))?.code;
  } finally {
    await gateway.close();
  }
}
