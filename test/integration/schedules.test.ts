// Schedules on a real Temporal server, with a real store and ledger and scripted stages.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApplicationFailure } from "@temporalio/common";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { LedgerRow } from "../../campaign/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { CampaignSchedules } from "../../client/schedules/schedules.ts";
import type { CreateScheduleOptions, ScheduleView } from "../../client/schedules/schedules.ts";
import { compileSpec } from "../../compile/index.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { TemporalGateway } from "../../temporal/temporal-gateway.ts";
import { withLedgerWorker } from "../support/ledger-worker.ts";
import { STUCK_MS } from "../support/limits.ts";
import { Workplace } from "../support/ratchet-command.ts";
import { gate, script } from "../support/scripted-activities.ts";
import { SHOP_DIR, smallShop } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";

const written = smallShop({ seed: 1, iterations: 1, perIteration: 16, sftRows: 40, baselines: [] });
const loaded = { spec: resolveSpec(written), written, file: "small-shop.ts", baseDir: SHOP_DIR };

describe("schedules", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  let gateway: TemporalGateway;
  let dir: string;
  let store: Store;
  let schedules: CampaignSchedules;
  let client: RatchetClient;
  const play = script();
  let stopWorker = (): void => undefined;
  let worker: Promise<void>;

  before(async () => {
    temporal = await openNamespace();
    const { address, namespace } = temporal;
    gateway = await TemporalGateway.connect({ address, namespace, connection: {} });
    dir = await mkdtemp(join(tmpdir(), "ratchet-schedules-"));
    store = await openStore(`dir:${join(dir, "store")}`);
    client = new RatchetClient(store, gateway);
    // Compiled once, because that takes longer than all campaigns of this file.
    const compiled = await compileSpec(loaded.spec, {
      baseDir: SHOP_DIR,
      store,
      environment: {},
      callModules: "none",
    });
    schedules = new CampaignSchedules(store, gateway.schedules, "ada@test", () => Promise.resolve(compiled));
    await new Promise<void>((started) => {
      worker = withLedgerWorker(temporal, store, play, () => {
        started();
        return new Promise((stop) => (stopWorker = stop));
      });
    });
  });
  const created = new Set<string>();
  afterEach(async () => {
    play.before = () => undefined;
    for (const schedule of created) await schedules.delete(schedule).catch(() => undefined);
    created.clear();
  });
  after(async () => {
    stopWorker();
    await worker;
    await gateway?.close();
    await temporal?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  const create = (schedule: string, options: CreateScheduleOptions): Promise<ScheduleView> => {
    created.add(schedule);
    return schedules.create(loaded, { schedule, ...options });
  };
  /** A schedule of which only the test makes firings. */
  const idle = async (schedule: string, options: CreateScheduleOptions = {}): Promise<void> => {
    await create(schedule, { cron: ["0 1 * * *"], ...options });
    await schedules.pause(schedule, { why: "by hand only" });
  };
  async function until(schedule: string, fits: (view: ScheduleView) => boolean): Promise<ScheduleView> {
    for (;;) {
      const view = await schedules.describe(schedule);
      if (fits(view)) return view;
      await sleep(300);
    }
  }
  const ended =
    (count: number) =>
    ({ firings }: ScheduleView): boolean =>
      firings.length >= count && firings.every(({ status }) => status !== "running");
  const rowsOf = (campaignId: string): Promise<LedgerRow[]> =>
    store.ledger(campaignId).read() as Promise<LedgerRow[]>;
  const typesOf = async (campaignId: string): Promise<string[]> =>
    (await rowsOf(campaignId)).map(({ event }) => event.type);
  const campaignsOf = async (schedule: string): Promise<string[]> =>
    (await client.list({ name: schedule })).map(({ campaignId }) => campaignId);
  const rejects = (work: Promise<unknown>, code: string): Promise<void> =>
    assert.rejects(work, (error: { code?: string }) => error.code === code);

  it("fires, waits for the campaign's end, and skips times at which it still runs", async () => {
    const training = gate();
    play.before = (stage) => (stage === "train" ? training.wait() : undefined);
    const view = await create("busy", { everyMs: 2_000, campaignId: "busy-{{date}}-{{time}}" });
    assert.equal(view.specDigest.length, 64);
    assert.match(view.nextIds[0] ?? "", /^busy-\d{4}-\d\d-\d\d-\d{6}$/);
    await training.reached;
    const [first] = (await until("busy", ({ skipped }) => skipped >= 2)).firings;
    assert.deepEqual(await campaignsOf("busy"), [first?.campaignId]);
    assert.equal(first?.status, "running");

    training.open();
    const after = await until(
      "busy",
      ({ firings }) => firings.length > 1 && firings[1]?.status === "completed",
    );
    await schedules.pause("busy", { why: "seen enough" });
    assert.equal(after.firings[0]?.status, "completed");
    const rows = await rowsOf(first?.campaignId ?? "");
    assert.equal(rows[0]?.by, `schedule:busy@${first?.at.toISOString()}`);
    assert.equal(rows.at(-1)?.event.type, "completed");
    assert.match((await schedules.describe("busy")).note ?? "", /^paused by ada@test: seen enough$/);
  });

  it("is paused by a failed campaign, and says why it failed", async () => {
    play.before = (stage) => {
      if (stage === "pair") throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
    };
    await create("sad", { everyMs: 2_000, campaignId: "sad-{{date}}-{{time}}" });
    const { firings, note } = await until("sad", ({ paused }) => paused);
    const [only, ...more] = firings;
    assert.deepEqual(more, []);
    assert.equal(only?.status, "failed");
    assert.deepEqual(only?.failure, { code: "no_pairs", message: "no pair to train on" });
    assert.match(note ?? "", /fail/);

    // Whoever mends it resumes the campaign, then the schedule.
    play.before = () => undefined;
    await client.startRecorded(only?.campaignId ?? "");
    assert.equal((await client.wait(only?.campaignId ?? ""))?.status, "completed");
    await schedules.resume("sad", { why: "mended" });
    await until("sad", (view) => view.firings[1]?.status === "completed");
  });

  it("backfills days that have passed, one after the other; again, it changes nothing", async () => {
    let running = 0;
    let most = 0;
    play.before = async (stage) => {
      if (stage !== "train") return;
      most = Math.max(most, (running += 1));
      await sleep(50);
      running -= 1;
    };
    await idle("past", { timeZone: "Asia/Kolkata" });
    const range = { from: new Date("2026-03-01T00:00:00Z"), to: new Date("2026-03-03T23:00:00Z") };
    await schedules.backfill("past", range);
    const { firings } = await until("past", ended(3));
    assert.deepEqual(
      firings.map(({ campaignId, status }) => [campaignId, status]),
      // 01:00 in Kolkata is 19:30 UTC of the day before.
      ["past-2026-03-02", "past-2026-03-03", "past-2026-03-04"].map((id) => [id, "completed"]),
    );
    assert.equal(most, 1);
    const head = (await client.head("past-2026-03-03")).head;
    await schedules.backfill("past", range);
    const again = await until("past", ended(6));
    assert.ok(again.firings.every(({ status }) => status === "completed"));
    assert.equal((await client.head("past-2026-03-03")).head, head);
  });

  it("does not touch a campaign that somebody else has created", async () => {
    const { specDigest } = await schedules.create(loaded, { schedule: "taken", cron: ["0 1 * * *"] });
    created.add("taken");
    const event = { type: "created", specDigest, name: "by hand" };
    await store.ledger("taken-2026-03-01").append({ id: "created", epoch: 0, event, by: "ben" });
    const day = new Date("2026-03-01T01:00:00Z");
    await schedules.backfill("taken", { from: day, to: day });
    const { firings } = await until("taken", ended(1));
    assert.equal(firings[0]?.failure?.code, "campaign_exists");
    assert.match(firings[0]?.failure?.message ?? "", /taken-2026-03-01 .* and ben has made it/);
    assert.deepEqual(await typesOf("taken-2026-03-01"), ["created"]);
  });

  it("triggers now, and with cancel-other the newest campaign wins", async () => {
    const training = gate();
    play.before = (stage) => (stage === "train" ? training.wait() : undefined);
    await idle("newest", { campaignId: "newest-{{date}}-{{time}}", overlap: "cancel-other" });
    await schedules.trigger("newest");
    await training.reached;
    const [first] = (await schedules.describe("newest")).firings;
    // The time of a trigger has whole seconds.
    await sleep(1_100);
    await schedules.trigger("newest");
    const id = first?.campaignId ?? "";
    while (!(await typesOf(id)).includes("cancelled")) await sleep(300);
    training.open();
    const { firings } = await until("newest", (view) => ended(2)(view));
    assert.equal(firings.length, 2);
    assert.equal((await typesOf(firings[1]?.campaignId ?? "")).at(-1), "completed");
  });

  it("deleted, it fires no more, and its running campaign goes on", async () => {
    const training = gate();
    play.before = (stage) => (stage === "train" ? training.wait() : undefined);
    await create("gone", { everyMs: 2_000, campaignId: "gone-{{date}}-{{time}}" });
    await training.reached;
    await schedules.delete("gone");
    await rejects(schedules.describe("gone"), "schedule_unknown");
    training.open();
    const [only, ...more] = await campaignsOf("gone");
    assert.deepEqual(more, []);
    assert.equal((await client.wait(only ?? ""))?.status, "completed");
  });

  it("is listed, beside schedules of other programs that are not", async () => {
    await idle("listed", { timeZone: "Europe/Berlin", jitterMs: 60_000 });
    await temporal.client.schedule.create({
      scheduleId: "ratchet:foreign",
      spec: { intervals: [{ every: "1h" }] },
      action: { type: "startWorkflow", workflowType: "other", taskQueue: "other" },
    });
    let found: string[] = [];
    while (!found.includes("listed")) {
      await sleep(300);
      found = [];
      for await (const { schedule, cron, timeZone, jitterMs } of schedules.list()) {
        found.push(schedule);
        assert.deepEqual([cron, timeZone, jitterMs], [["0 1 * * *"], "Europe/Berlin", 60_000]);
      }
    }
    assert.deepEqual(found, ["listed"]);
    await rejects(schedules.describe("foreign"), "schedule_unknown");
  });

  it("refuses what would never work, and leaves nothing behind", async () => {
    const refused = (options: CreateScheduleOptions, code: string): Promise<void> =>
      rejects(create("wrong", { cron: ["0 1 * * *"], ...options }), code);
    await refused({ timeZone: "Mars/Olympus" }, "time_zone_unknown");
    await refused({ cron: ["0 1 30 2 *"] }, "schedule_never_fires");
    await refused({ cron: ["often"] }, "schedule_invalid");
    await refused({ everyMs: 1_000 }, "schedule_invalid");
    await refused({ campaignId: "always" }, "schedule_invalid");
    await refused({ schedule: "Wrong Name" }, "address_invalid");
    await rejects(schedules.describe("wrong"), "schedule_unknown");
    await rejects(schedules.trigger("wrong"), "schedule_unknown");
    await rejects(schedules.pause("wrong"), "schedule_unknown");
    await rejects(schedules.delete("wrong"), "schedule_unknown");
    await idle("right");
    await rejects(create("right", { cron: ["0 2 * * *"] }), "schedule_exists");
    assert.deepEqual((await schedules.describe("right")).cron, ["0 1 * * *"]);
  });

  it("of a server that is away fails with temporal_unreachable", async () => {
    const [host, port] = temporal.address.split(":");
    const open = new Set<Socket>();
    const relay = createServer((socket) => {
      const server = connect(Number(port), host);
      for (const end of [socket, server]) open.add(end.on("error", () => undefined));
      socket.pipe(server).pipe(socket);
    });
    await once(relay.listen(0, "127.0.0.1"), "listening");
    const address = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
    const away = await TemporalGateway.connect({ address, namespace: temporal.namespace, connection: {} });
    try {
      await rejects(away.schedules.describe("any"), "schedule_unknown");
      relay.close();
      for (const end of open) end.destroy();
      await rejects(away.schedules.describe("any"), "temporal_unreachable");
      await rejects(away.schedules.list().next(), "temporal_unreachable");
    } finally {
      await away.close();
    }
  });

  it("is made, shown and deleted by the command", async () => {
    const place = await Workplace.openOn(temporal);
    try {
      const spec = await place.writeSpec("small.json", written);
      const times = ["--cron", "0 1 * * *", "--time-zone", "Europe/Berlin", "--overlap", "buffer-one"];
      const ran = await place.run("schedule", "create", spec, "--id", "command", ...times, "--json");
      assert.equal(ran.exit, 0, ran.stderr);
      const view = JSON.parse(ran.stdout) as ScheduleView;
      assert.deepEqual(
        [view.id, view.overlap, view.catchUpMs],
        ["command-{{date}}", "buffer-one", 3_600_000],
      );
      const shown = await place.run("schedule", "describe", "command");
      assert.match(shown.stdout, /^command is active\ntimes +cron 0 1 \* \* \* in Europe\/Berlin\n/);
      const deleted = await place.run("schedule", "delete", "command");
      assert.deepEqual([deleted.exit, deleted.stdout], [0, "command deleted\n"]);
      assert.match((await place.run("schedule", "pause", "command")).stderr, /^error schedule_unknown: /m);
    } finally {
      await place.close();
    }
  });
});
