// The page where people label, in a real Chromium, with a real server process that is killed in between.
import assert from "node:assert/strict";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { Label } from "../../campaign/labeling/types.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { labelsAt, newest, readLabels } from "../../labels/standing.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { CHROMIUM, NO_CHROMIUM, seriousFindings } from "../support/browser.ts";
import { LabelServerProcess } from "../support/label-server.ts";
import { STUCK_MS } from "../support/limits.ts";
import { recordQuestionnaire } from "../support/questionnaire.ts";
import { Workplace } from "../support/ratchet-command.ts";
import { recordCampaign } from "../support/recorded-campaign.ts";

const HOSTILE = [
  `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">`,
  "[press](javascript:window.hacked=1) <javascript:window.hacked=1> ![p](https://evil.example/p.png)",
  `read \u202Etxt.exe\u202C and \u0007 bell`,
  `</div></section><style>footer { display: none }</style><a href="https://evil.example">x</a>`,
  `${">".repeat(20_000)} deep`,
  `${"[".repeat(20_000)} open`,
  [
    "| a | b |",
    "| - | - |",
    '| <b onclick="window.hacked=1">c</b> | `d` |',
    "",
    "```html",
    "<script>window.hacked=1</script>",
    "```",
    "# title",
  ].join("\n"),
  "long ".repeat(30_000),
];

describe("the label page in a browser", { skip: NO_CHROMIUM, timeout: STUCK_MS }, () => {
  let browser: Browser;
  const places: Workplace[] = [];
  before(async () => (browser = await chromium.launch({ executablePath: CHROMIUM })));
  after(async () => {
    await browser.close();
    for (const place of places) await place.close();
  });

  interface Desk {
    place: Workplace;
    store: Store;
    asked: Questionnaire;
    server: LabelServerProcess;
    link: string;
  }
  async function open(texts: readonly string[] = []): Promise<Desk> {
    const place = await Workplace.open({ RATCHET_STORE: "dir:store" });
    places.push(place);
    const store = await openStore(`dir:${join(place.dir, "store")}`, { create: true });
    await recordCampaign(store, "done", "running");
    const asked = await recordQuestionnaire(store, "done", { texts });
    const server = new LabelServerProcess(place);
    return { place, store, asked, server, link: await server.start("ada") };
  }

  async function visit(
    link: string,
    options: BrowserContextOptions = {},
  ): Promise<{ context: BrowserContext; page: Page; foreign: string[]; wrong: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const [foreign, wrong]: [string[], string[]] = [[], []];
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(link).origin)) foreign.push(request.url());
    });
    page.on("pageerror", (error) => wrong.push(String(error)));
    await page.goto(link);
    await page.getByRole("heading", { name: "Answer A" }).waitFor();
    return { context, page, foreign, wrong };
  }

  const labeledBy = (page: Page, count: number): Promise<void> =>
    page.getByText(`${count} by you,`).waitFor();
  async function stored({ store, asked }: Desk): Promise<Label[]> {
    const labels: Label[] = [];
    for await (const { label } of readLabels(store, asked, newest(await labelsAt(store, asked))))
      labels.push(label);
    return labels;
  }
  it("a person labels by keyboard alone; the server is killed in between, and nothing is lost", async () => {
    const desk = await open();
    const { context, page, foreign, wrong } = await visit(desk.link);
    assert.equal(new URL(page.url()).hash, "", "the link's secret leaves the address");
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press("a", "2", "Enter");
    await labeledBy(page, 1);
    await press("b", "n");
    await page.keyboard.type("because a b t x");
    await press("Escape", "Enter");
    await labeledBy(page, 2);
    await press("t", "Enter");
    await labeledBy(page, 3);
    await press("u");
    await labeledBy(page, 2);
    await press("x", "Enter");
    await labeledBy(page, 3);
    const skipped = await page.locator("main").innerText();
    await press("s");
    await page.getByText("Skipped").waitFor();
    assert.notEqual(await page.locator("main").innerText(), skipped);

    await desk.server.kill();
    await press("b", "3", "Enter");
    await page.getByText("does not answer").waitFor();
    await page.close();
    assert.equal(await desk.server.start("ada"), "", "the session is still good");
    const again = await context.newPage();
    await again.goto(new URL(desk.link).origin);
    await labeledBy(again, 4);
    // By Tab and Space too.
    await again.getByRole("button", { name: "A", exact: true }).focus();
    await again.keyboard.press("Space");
    await again.keyboard.press("Tab");
    for (let name = ""; name !== "Send"; name = (await again.locator(":focus").textContent()) ?? "")
      await again.keyboard.press("Tab");
    await again.keyboard.press("Enter");
    await labeledBy(again, 5);

    const labels = await stored(desk);
    assert.equal(labels.length, 5);
    assert.deepEqual(
      labels.map(({ labeler, slot }) => `${labeler} ${slot}`),
      Array(5).fill("ada 0"),
    );
    const side = ({ choice, shown }: Label): string =>
      choice === "tie" || choice === "both_bad" ? choice : choice === shown ? "left" : "right";
    assert.deepEqual(labels.map(side).sort(), ["both_bad", "left", "left", "right", "right"]);
    assert.deepEqual(labels.map(({ strength }) => String(strength)).sort(), [
      "2",
      "3",
      ...Array(3).fill("undefined"),
    ]);
    assert.deepEqual(
      labels.flatMap(({ note }) => note ?? []),
      ["because a b t x"],
    );
    assert.deepEqual([foreign, wrong], [[], []]);
    await context.close();
  });

  it("hostile answers stay text: nothing runs, nothing is loaded, nothing leaves the page", async () => {
    const desk = await open(HOSTILE);
    const { context, page, foreign, wrong } = await visit(desk.link);
    const seen: string[] = [];
    for (let count = 0; count < HOSTILE.length; count += 1) {
      seen.push(await page.locator("main").innerText());
      assert.equal(await page.locator("main :is(a, img, script, style, iframe, form, [onclick])").count(), 0);
      assert.equal(await page.evaluate("window.hacked"), undefined);
      assert.ok(await page.locator("footer").isVisible());
      await page.keyboard.press("t");
      await page.keyboard.press("Enter");
      if (count < HOSTILE.length - 1) await labeledBy(page, count + 1);
    }
    await page.getByText("Nothing to label now").waitFor();
    const all = seen.join("\n");
    for (const text of [
      `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">`,
      "press (javascript:window.hacked=1)",
      "[picture: p (https://evil.example/p.png)]",
      "\\u202etxt.exe\\u202c and \\u0007 bell",
      "</div></section><style>footer { display: none }</style>",
      ">>>> deep",
      "[[[[ open",
      `<b onclick="window.hacked=1">c</b>`,
    ])
      assert.ok(all.includes(text), text);
    assert.doesNotMatch(all, /[\u202a-\u202e\u2066-\u2069]/);
    assert.deepEqual([foreign, wrong], [[], []]);
    await context.close();
  });

  for (const [name, options] of Object.entries<BrowserContextOptions>({
    "on a wide light screen": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
    "on a dark phone": { viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true },
  }))
    it(`axe finds nothing serious ${name}, and it works by touch or mouse`, async () => {
      const desk = await open(HOSTILE.slice(6));
      const { context, page } = await visit(desk.link, options);
      assert.deepEqual(await seriousFindings(page), []);
      const press = (button: string): Promise<void> => {
        const target = page.getByRole("button", { name: button, exact: true });
        return options.hasTouch ? target.tap() : target.click();
      };
      for (let count = 1; count <= 8; count += 1) {
        await press("B");
        await press("Slightly");
        assert.deepEqual(await seriousFindings(page), []);
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        assert.equal(overflow, 0, "nothing is wider than the screen");
        await press("Send");
        if (count < 8) await labeledBy(page, count);
      }
      await page.getByText("Nothing to label now").waitFor();
      assert.deepEqual(await seriousFindings(page), []);
      const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      assert.equal(background, options.colorScheme === "dark" ? "rgb(20, 22, 26)" : "rgb(246, 247, 249)");
      assert.equal((await stored(desk)).length, 8);
      await context.close();
    });

  it("says that the store is away, keeps the label, and stores it once when the store is back", async () => {
    const desk = await open();
    const { context, page } = await visit(desk.link);
    const [there, away] = [join(desk.place.dir, "store"), join(desk.place.dir, "away")];
    await rename(there, away);
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.getByText("does not answer").waitFor();
    await rename(away, there);
    await labeledBy(page, 1);
    assert.equal((await stored(desk)).length, 1);
    await context.close();
  });

  it("a second browser cannot use the link; a revoked labeler loses nothing that was given", async () => {
    const desk = await open();
    const { context, page } = await visit(desk.link);
    const other = await browser.newPage();
    await other.goto(desk.link);
    await other.getByText("Another browser has used this link").waitFor();
    await other.close();
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await labeledBy(page, 1);
    await desk.server.revoke("ada");
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.getByText("Your link has expired or was revoked").waitFor();
    // The label that was on its way is sent when the labeler comes back with a new link.
    await desk.server.kill();
    await page.goto(await desk.server.start("ada"));
    await labeledBy(page, 2);
    assert.equal((await stored(desk)).length, 2);
    await context.close();
  });
});

describe("the command label", { timeout: STUCK_MS }, () => {
  let place: Workplace;
  let server: LabelServerProcess;
  before(async () => {
    place = await Workplace.open({ RATCHET_STORE: "dir:store" });
    const store = await openStore(`dir:${join(place.dir, "store")}`, { create: true });
    await recordCampaign(store, "done", "running");
    server = new LabelServerProcess(place);
  });
  after(() => place.close());

  it("prints a link once, keeps its hash in a private folder, and says if nothing is asked yet", async () => {
    assert.match(await server.start("ada"), /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
    assert.equal((await stat(join(place.dir, ".ratchet"))).mode & 0o777, 0o700);
    await server.kill();
    assert.equal(await server.start("ada"), "");
    assert.match(server.stderr, /ada has a link that nobody has opened yet/);
    assert.match(server.stderr, /done asks nobody for labels \(yet\)/);
  });

  it("refuses a port that another program has, and a command line that cannot be meant", async () => {
    const taken = await place.run("label", "done", "--labelers", "ada", "--port", server.port);
    assert.match(taken.stderr, /^error port_taken: port \d+ is taken\nhint: /);
    assert.equal(taken.exit, 4);
    for (const wrong of [
      [],
      ["--labelers", "a b"],
      ["--labelers", "../x"],
      ["--labelers", "ada", "--port", "65536"],
      ["--labelers", "ada", "--expires", "soon"],
      ["--labelers", "ada", "--url", "http://label.example.org"],
      ["--labelers", "ada", "--url", "https://label.example.org/page"],
    ]) {
      const { exit, stderr } = await place.run("label", "done", ...wrong);
      assert.deepEqual([exit, /^error (\w+)/.exec(stderr)?.[1]], [2, "usage_invalid"], wrong.join(" "));
    }
    const missing = await place.run("label", "done", "--labelers", "ada", "--instructions", "none.md");
    assert.match(missing.stderr, /none\.md/);
    assert.notEqual(missing.exit, 0);
  });

  it("revokes while the server runs, and says how many links and sessions ended", async () => {
    const revoked = await place.run("label", "done", "--revoke", "ada,ben");
    assert.equal(revoked.stdout, "ada: 1 links and sessions ended\nben: 0 links and sessions ended\n");
  });
});
