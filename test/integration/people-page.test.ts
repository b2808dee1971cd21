// A campaign whose labels a script gives through the page, as a person in a browser. The page's server, the
// worker, the store and Temporal are killed in between.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import type { Browser, Page, Response } from "playwright-core";
import type { SealResult, SealRow } from "../../campaign/labeling/types.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { jsonLines } from "../../client/record/record.ts";
import { ParentWatch } from "../../dev/parent-watch.ts";
import type { Manifest } from "../../campaign/types.ts";
import { awsEnvironment, BUCKET, S3Server } from "../chaos/s3-server.ts";
import { CHROMIUM, NO_CHROMIUM } from "../support/browser.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN, outcomesOf } from "../support/dev-campaign.ts";
import { LabelServerProcess } from "../support/label-server.ts";
import { STUCK_MS } from "../support/limits.ts";
import type { SmallShop } from "../support/small-shop.ts";
import { Workplace } from "../support/ratchet-command.ts";

const ASKED = 10;
const ITERATIONS = 2;
const SHOP: SmallShop = {
  seed: 7,
  iterations: ITERATIONS,
  perIteration: 16,
  sftRows: 192,
  epochs: 1,
  baselines: [],
  labels: { perIteration: ASKED, audit: 2, choose: "best-against-rest" },
};
const versitygw = process.env["RATCHET_TEST_VERSITYGW_BIN"];
const NO_S3 = versitygw ? false : "RATCHET_TEST_VERSITYGW_BIN is not set: run through `npm test`";

/** Labels by what the page shows: the longer answer is better. */
class Person {
  private readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async open(link: string): Promise<void> {
    this.page.setDefaultTimeout(STUCK_MS);
    await this.page.goto(link);
  }

  /** Waits for the first question of an iteration. */
  async asked(): Promise<void> {
    await this.page.getByRole("heading", { name: "Answer A" }).waitFor();
  }

  /** Gives `count` labels, each when the page has stored the one before. */
  async label(count: number): Promise<void> {
    for (let given = 0; given < count; given += 1) {
      const [first, second] = await this.page.locator("section.answer").allInnerTexts();
      if (first === undefined || second === undefined)
        assert.fail(`the page asks nothing: ${await this.page.locator("body").innerText()}`);
      const isNext = (response: Response): boolean => response.url().endsWith("/api/next") && response.ok();
      const next = this.page.waitForResponse(isNext);
      await this.page.keyboard.press(keyFor(first, second));
      await this.page.keyboard.press("Enter");
      await next;
      // `Skip` is disabled until the next question is on the screen.
      await this.page.locator("button.skip:not(:disabled), main > p[role=status]").waitFor();
    }
  }

  /** Gives a label while something is away; `back` brings it back. */
  async labelDuring(back: () => Promise<unknown>): Promise<void> {
    const giving = this.label(1);
    await this.page.getByText("does not answer").waitFor();
    await back();
    await giving;
  }
}

/** The first line of each text is its heading, of one length. */
function keyFor(first: string, second: string): string {
  return first.length > second.length ? "a" : first.length < second.length ? "b" : "t";
}

/** A campaign, the page's server, and one person at it. */
class Labeled {
  readonly campaign: DevCampaign;
  readonly person: Person;
  readonly server: LabelServerProcess;
  private readonly place: Workplace;

  private constructor(campaign: DevCampaign, place: Workplace, person: Person) {
    this.campaign = campaign;
    this.place = place;
    this.person = person;
    this.server = new LabelServerProcess(place, CAMPAIGN);
  }

  static async start(
    browser: Browser,
    options: Parameters<typeof DevCampaign.make>[1],
  ): Promise<{ labeled: Labeled; client: RatchetClient }> {
    const campaign = await DevCampaign.make(SHOP, options);
    const place = await Workplace.open({ RATCHET_STORE: campaign.storeName });
    const context = await browser.newContext();
    const labeled = new Labeled(campaign, place, new Person(await context.newPage()));
    await campaign.up();
    const client = await campaign.start();
    await labeled.person.open(await labeled.serve());
    return { labeled, client };
  }

  /** Starts the page's server beside the present tree; returns the person's link if it is a new one. */
  serve(): Promise<string> {
    const { address, namespace } = this.campaign.tree!;
    Object.assign(this.place.env, { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace });
    return this.server.start("ada");
  }

  async close(): Promise<void> {
    await this.place.close();
    await this.campaign.remove();
  }
}

const completes = async (client: RatchetClient): Promise<Record<string, string>> => {
  const outcome = await client.wait(CAMPAIGN);
  assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
  return outcomesOf(client);
};

/** The comparisons that the seal of each iteration lists, one a label. */
async function sealed({ store }: RatchetClient): Promise<number[][]> {
  const found: number[][] = [];
  for await (const key of store.backend.list(`campaigns/${CAMPAIGN}/results/`)) {
    if (!key.includes("/label/seal-") || key.includes("/it-0000")) continue;
    const { result } = (await store.readManifest<Manifest<SealResult>>(key))!.manifest;
    found.push((await jsonLines<SealRow>(store, result.labels)).map(({ comparison }) => comparison));
  }
  return found;
}

describe(
  "a campaign that is labeled through the page",
  { skip: NO_CHROMIUM || NO_TEMPORAL_BIN || NO_S3, timeout: STUCK_MS },
  () => {
    const parentWatch = new ParentWatch();
    const opened: Labeled[] = [];
    let browser: Browser;
    let folder: string;
    let s3: S3Server;

    before(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM });
      folder = mkdtempSync(join(tmpdir(), "ratchet-people-"));
      s3 = await S3Server.start(versitygw as string, folder, parentWatch);
      Object.assign(process.env, awsEnvironment(s3.port));
    });
    after(async () => {
      await browser?.close();
      for (const labeled of opened) await labeled.close();
      await s3?.kill();
      parentWatch.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const start = async (options: Parameters<typeof DevCampaign.make>[1] = {}) => {
      const started = await Labeled.start(browser, options);
      opened.push(started.labeled);
      return started;
    };

    it("loses and doubles no label while everything is killed; a quiet one has its weights", async () => {
      const { labeled, client } = await start({
        storeName: `s3://${BUCKET}/people`,
        env: { ...process.env },
      });
      const { person, campaign, server } = labeled;
      await person.asked();
      await person.label(1);

      await server.kill();
      await person.labelDuring(async () =>
        assert.equal(await labeled.serve(), "", "the session is still good"),
      );

      process.kill(campaign.tree!.pids().worker!, "SIGKILL");
      await person.label(2);

      await s3.kill();
      await person.labelDuring(() => s3.up());

      process.kill(campaign.tree!.pids().server!, "SIGKILL");
      await person.label(ASKED - 5);

      await person.asked();
      await person.label(2);
      await campaign.down();
      for (const name of readdirSync(join(campaign.stateDir, "temporal")))
        if (name.includes(".db")) rmSync(join(campaign.stateDir, "temporal", name));
      // The page needs the store alone.
      await person.label(2);
      await client.close();
      await campaign.up();
      const again = await campaign.start();
      await server.kill();
      await labeled.serve();
      await person.label(ASKED - 4);
      const disturbed = await completes(again);

      const quiet = await start();
      for (let iteration = 1; iteration <= ITERATIONS; iteration += 1) {
        await quiet.labeled.person.asked();
        await quiet.labeled.person.label(ASKED);
      }
      assert.deepEqual(disturbed, await completes(quiet.client));

      const all = Array.from({ length: ASKED }, (_, comparison) => comparison);
      for (const each of [again, quiet.client]) {
        assert.deepEqual(await sealed(each), [all, all]);
        const stats = (await each.labelStats(CAMPAIGN)).filter(({ place }) => !place.startsWith("it-0000"));
        assert.deepEqual(
          stats.map(({ states }) => states),
          Array(ITERATIONS).fill({ open: 0, counted: ASKED, late: 0, extra: 0, withdrawn: 0, undecided: 0 }),
        );
        assert.deepEqual((await each.verify(CAMPAIGN)).problems, []);
      }
      assert.equal((await again.status(CAMPAIGN)).epoch, 2);
      await again.close();
      await quiet.client.close();
    });
  },
);
