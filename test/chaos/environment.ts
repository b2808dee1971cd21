// The environment of one chaos campaign: a dev tree (several after a take-over), its store, and the means to
// disturb them.
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { CampaignStatus, LedgerRow } from "../../campaign/types.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { readCampaign } from "../../client/record/record.ts";
import { TemporalGateway } from "../../temporal/temporal-gateway.ts";
import { ParentWatch } from "../../dev/parent-watch.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { SHOP_DIR } from "../support/small-shop.ts";
import { untilEnded } from "./end.ts";
import type { Observed } from "./end.ts";
import { losePower } from "./journal.ts";
import type { Lost } from "./journal.ts";
import { listen } from "./line.ts";
import type { Line } from "./line.ts";
import type { StoreKind } from "./pairs.ts";
import { ENV } from "./points.ts";
import type { Answer, Point } from "./points.ts";
import { signal } from "./processes.ts";
import { awsEnvironment, BUCKET, S3Server } from "./s3-server.ts";
import { S3Proxy } from "./s3-proxy.ts";
import type { ProxyHooks } from "./s3-proxy.ts";
import { Crowd, LABELERS } from "./crowd.ts";
import { PageServer } from "./page-server.ts";
import { ASKING_PLACE, tinyShop } from "./tiny-shop.ts";
import type { Labelers } from "./tiny-shop.ts";
import { Tree } from "./tree.ts";
import type { Where } from "./tree.ts";
import { ImmutabilityChecker } from "./immutability-checker.ts";

export const CAMPAIGN = "chaos";

/** See `untilEnded`. */
const LOST_AFTER_MS = 10_000;
const POLL_MS = 1_000;
/** A tree that was killed is started again well within this time, also on a busy machine. */
const RESTART_MS = 60_000;

export interface Tools {
  temporal: string;
  /** Absent: no S3. */
  versitygw?: string;
}

export interface EnvironmentOptions {
  seed: number;
  kind: StoreKind;
  /** Default: nobody. */
  labelers?: Labelers;
  tools: Tools;
}

/** Hears of every point that a worker or the page's server reaches, and of every request to S3. */
export interface Watcher extends ProxyHooks {
  point(point: Point, pid: number): Promise<Answer>;
}

/** Until a watcher is set. */
const IDLE: Watcher = {
  point: async () => ({ type: "go" }),
  before: async () => "pass",
  after: async () => undefined,
  unreachable: () => undefined,
};

export class ChaosEnvironment {
  readonly folder: string;
  readonly seed: number;
  readonly labelers: Labelers;
  readonly tools: Tools;
  readonly parentWatch = new ParentWatch();
  readonly supervisorLines: string[] = [];
  watcher: Watcher = IDLE;
  /** The last one is the newest and owns the campaign. */
  readonly trees: { tree: Tree; where: Where }[] = [];
  s3: { server: S3Server; proxy: S3Proxy } | undefined;
  /** Since when the newest tree is down. */
  private downSince: number | undefined;
  private line: Line | undefined;
  private store: Store | undefined;
  private immutabilityChecker: ImmutabilityChecker | undefined;
  /** Who labels if the campaign asks people. */
  crowd: Crowd | undefined;
  private told: { address: string; gateway: TemporalGateway } | undefined;

  private constructor(folder: string, { seed, labelers = "nobody", tools }: EnvironmentOptions) {
    this.folder = folder;
    this.seed = seed;
    this.labelers = labelers;
    this.tools = tools;
  }

  static async open(folder: string, options: EnvironmentOptions): Promise<ChaosEnvironment> {
    mkdirSync(folder, { recursive: true });
    const environment = new ChaosEnvironment(folder, options);
    if (options.kind === "s3") await environment.openS3();
    environment.line = await listen((point, pid) => environment.watcher.point(point, pid));
    environment.store = await openStore(environment.storeName);
    await environment.addTree();
    return environment;
  }

  get storeName(): string {
    return this.s3 ? `s3://${BUCKET}/store` : `dir:${join(this.folder, "store")}`;
  }

  /** Checks that committed objects keep their bytes. */
  get immutability(): ImmutabilityChecker {
    return (this.immutabilityChecker ??= new ImmutabilityChecker(this.records.backend));
  }

  get current(): { tree: Tree; where: Where } {
    return this.trees.at(-1) as { tree: Tree; where: Where };
  }

  /** The store for the driver's own reads, which bypass the proxy. */
  get records(): Store {
    return this.store as Store;
  }

  /** People label when the campaign asks them. `now`: number of events so far. */
  invitePeople(now: () => number): void {
    const page = new PageServer({
      campaignId: CAMPAIGN,
      labelers: LABELERS,
      folder: join(this.folder, "page"),
      env: { ...this.environment(join(this.folder, "page")), RATCHET_STORE: this.storeName },
      parentWatch: this.parentWatch,
    });
    this.crowd = new Crowd({
      seed: this.seed,
      page,
      now,
      tell: () => this.tell(),
    });
  }

  /** Tells the campaign that it has new labels. */
  async tell(): Promise<void> {
    const { address, namespace, serverId } = this.current.where;
    if (this.told?.address !== address) {
      await this.told?.gateway.close();
      const connection = { address, namespace, connection: {}, identity: serverId };
      this.told = { address, gateway: await TemporalGateway.connect(connection) };
    }
    await this.told.gateway.labelsGiven(CAMPAIGN, ASKING_PLACE);
  }

  async addTree(): Promise<void> {
    const stateDir = join(this.folder, `state-${this.trees.length + 1}`);
    const tree = new Tree({
      stateDir,
      store: this.storeName,
      temporal: this.tools.temporal,
      env: this.environment(stateDir),
      parentWatch: this.parentWatch,
      report: (line) => this.supervisorLines.push(line),
    });
    this.trees.push({ tree, where: await tree.up() });
  }

  /** As when the machine comes back and its user gives the same command again. */
  async restartTree(): Promise<void> {
    this.current.where = await this.current.tree.up();
    await this.start();
    await this.crowd?.reopen();
  }

  /** Kills the tree, and Temporal's database is gone. */
  async loseDatabase(): Promise<void> {
    const { tree } = this.current;
    await tree.kill();
    const folder = join(tree.options.stateDir, "temporal");
    for (const name of readdirSync(folder)) if (name.includes(".db")) rmSync(join(folder, name));
  }

  /** Kills everything. When it is started again, the worker's clock is ahead. */
  async sleepFor(ms: number): Promise<void> {
    await this.killAll();
    for (const { tree } of this.trees) tree.options.env[ENV.ahead] = String(ms);
  }

  /** Starts, attaches or resumes; retried up to 20 times while the store or the server does not answer. */
  async start({ takeOver = false } = {}): Promise<void> {
    const written = tinyShop(this.seed, this.labelers);
    for (let tries = 1; ; tries += 1) {
      try {
        const client = await this.client();
        await client.start(
          { spec: resolveSpec(written), written, file: "tiny-shop.ts", baseDir: SHOP_DIR },
          { campaignId: CAMPAIGN, takeOver },
        );
        return await client.close();
      } catch (error) {
        const { kind, code } = error as { kind?: string; code?: string };
        if (kind !== "resource" || code === "owned_elsewhere" || tries === 20) throw error;
        await sleep(500);
      }
    }
  }

  async client(at: Where = this.current.where): Promise<RatchetClient> {
    const { address, namespace, serverId } = at;
    return RatchetClient.connect({
      store: this.records,
      temporal: { address, namespace, connection: {}, identity: serverId },
    });
  }

  async ledger(): Promise<LedgerRow[]> {
    return (await readCampaign(this.records, CAMPAIGN))?.rows ?? [];
  }

  /** Waits for the campaign's end; undefined when it did not end. */
  ended(timeoutMs: number): Promise<CampaignStatus | undefined> {
    const recorded = (): ReturnType<Observed["recorded"]> =>
      readCampaign(this.records, CAMPAIGN).then(
        (found) => found?.record.status,
        (error: { kind?: string }) => (error.kind === "artifact" ? "damaged" : undefined),
      );
    return untilEnded(
      { running: () => this.isRun(), recorded },
      { timeoutMs, lostAfterMs: LOST_AFTER_MS, pollMs: POLL_MS },
    );
  }

  /** Whether a server runs the campaign. After a power failure, only the newest tree is started again. */
  private async isRun(): Promise<boolean> {
    this.downSince = this.current.tree.isUp ? undefined : (this.downSince ?? Date.now());
    if (this.downSince !== undefined) return Date.now() - this.downSince < RESTART_MS;
    const asked = this.trees.filter(({ tree }) => tree.isUp);
    const statuses = await Promise.all(
      asked.map(async ({ where: { address, namespace, serverId } }) => {
        const gateway = await TemporalGateway.connect({
          address,
          namespace,
          connection: {},
          identity: serverId,
        });
        return gateway
          .run(campaignWorkflowId(CAMPAIGN))
          .then((run) => run?.status)
          .finally(() => gateway.close());
      }),
    ).catch(() => ["running"]);
    return statuses.includes("running");
  }

  private async killAll(): Promise<void> {
    await this.crowd?.page.down();
    for (const { tree } of this.trees) await tree.kill();
  }

  /** Kills everything at once and takes from the store whatever was not synced. */
  async losePower(namesSurvive: boolean): Promise<Lost> {
    await this.killAll();
    const lost = losePower(this.journal, { namesSurvive });
    await this.immutability.forgetLost();
    return lost;
  }

  /** SIGKILL for a worker, and its local files are gone: the next worker starts as if on another machine. */
  async loseMachine(pid: number): Promise<void> {
    signal(pid, "SIGSTOP");
    const { stateDir } = (await this.treeOf(pid)).options;
    const files = join(stateDir, "worker");
    renameSync(files, `${files}-lost-${Date.now()}`);
    signal(pid, "SIGKILL");
  }

  /** After a take-over, two trees are running. */
  private async treeOf(worker: number): Promise<Tree> {
    for (const { tree } of this.trees) if ((await tree.worker()) === worker) return tree;
    return this.current.tree;
  }

  async close(): Promise<void> {
    await this.crowd?.close();
    await this.told?.gateway.close();
    await Promise.all(this.trees.map(({ tree }) => tree.down()));
    this.line?.close();
    this.s3?.proxy.close();
    await this.s3?.server.kill();
    this.parentWatch.close();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** While this file exists, the worker's local disk is full (layers/local-disk.ts). */
  get diskFull(): string {
    return join(this.folder, "disk-full");
  }

  private get journal(): string {
    return join(this.folder, "journal");
  }

  private async openS3(): Promise<void> {
    if (!this.tools.versitygw) throw new Error("chaos on S3 needs the versitygw command");
    const server = await S3Server.start(this.tools.versitygw, join(this.folder, "s3"), this.parentWatch);
    const proxy = await S3Proxy.start(server.port, {
      before: (request) => this.watcher.before(request),
      after: (request) => this.watcher.after(request),
      unreachable: (request) => this.watcher.unreachable(request),
    });
    this.s3 = { server, proxy };
    Object.assign(process.env, awsEnvironment(server.port));
  }

  private environment(stateDir: string): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RATCHET|NODE_TEST)_/.test(name));
    return {
      ...Object.fromEntries(own),
      ...(this.s3 ? awsEnvironment(this.s3.proxy.port) : {}),
      RATCHET_CHILDREN: "2",
      RATCHET_THREADS: "1",
      [ENV.line]: String(this.line?.port),
      [ENV.folders]: [this.s3 ? "" : join(this.folder, "store"), join(stateDir, "worker", "cache")].join(":"),
      [ENV.journal]: this.journal,
      [ENV.local]: ["cache", "scratch"].map((name) => join(stateDir, "worker", name)).join(":"),
      [ENV.full]: this.diskFull,
      [ENV.ahead]: "0",
    };
  }
}
