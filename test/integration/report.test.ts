// `ratchet report`: the command on a store that an earlier commit recorded, and its page in a real Chromium.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { reportData } from "../../report/data/index.ts";
import { reportHtml } from "../../report/html/page.ts";
import { openStore } from "../../store/index.ts";
import { CHROMIUM, NO_CHROMIUM, seriousFindings } from "../support/browser.ts";
import { STUCK_MS } from "../support/limits.ts";
import { Workplace } from "../support/ratchet-command.ts";
import { reportRecord } from "../support/report-record.ts";

const FIXTURES = fileURLToPath(new URL("../../../test/fixtures/", import.meta.url));
const CAMPAIGN = "upgraded";

const HOSTILE = [
  `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">`,
  `</p></section><style>main { display: none }</style><a href="https://evil.example">x</a>`,
  "<iframe src='https://evil.example'></iframe><form action='https://evil.example'><button>ok</button>",
  "\u001b[2J\u202etxt.exe\u2066 and \u0007 bell",
  "long".repeat(2_000),
].join("\n");

describe("ratchet report", { timeout: STUCK_MS }, () => {
  let place: Workplace;
  let browser: Browser | undefined;
  before(async () => {
    place = await Workplace.open({ RATCHET_STORE: "dir:store" });
    const fixture = readdirSync(FIXTURES).find((name) => name.startsWith("store-"))!;
    execFileSync("tar", ["-xzf", join(FIXTURES, fixture, "store.tar.gz"), "-C", place.dir]);
    if (!NO_CHROMIUM) browser = await chromium.launch({ executablePath: CHROMIUM });
  });
  after(async () => {
    await browser?.close();
    await place.close();
  });

  async function visit(
    path: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; wrong: string[]; asked: string[] }> {
    const page = await (await browser!.newContext(options)).newPage();
    const [wrong, asked]: [string[], string[]] = [[], []];
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("console", (message) => wrong.push(message.text()));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    asked.shift();
    return { page, wrong, asked };
  }

  const widerThanScreen = (page: Page): Promise<number> =>
    page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

  async function crafted(name: string, text?: string): Promise<string> {
    const path = join(place.dir, name);
    await writeFile(path, reportHtml(reportData(reportRecord(text))));
    return path;
  }

  it("writes the same bytes for the same record, and replaces nothing but a report", async () => {
    const first = await place.run("report", CAMPAIGN);
    const path = join(place.dir, `report-${CAMPAIGN}.html`);
    assert.deepEqual([first.exit, first.stdout], [0, `${path}\n`], first.stderr);
    const page = await readFile(path);
    const again = await place.run("report", CAMPAIGN, "--json");
    assert.deepEqual(JSON.parse(again.stdout), { campaignId: CAMPAIGN, path, sizeBytes: page.length });
    assert.ok((await readFile(path)).equals(page));

    const other = join(place.dir, "notes.html");
    await writeFile(other, "mine");
    const refused = await place.run("report", CAMPAIGN, "--out", other);
    assert.match(refused.stderr, /^error export_exists: .*notes\.html exists already and is no report/);
    assert.equal(await readFile(other, "utf8"), "mine");
    assert.match((await place.run("report", "nobody")).stderr, /^error campaign_unknown/);
  });

  it("tells the state of a campaign that has not completed, and of one that has just begun", async () => {
    await place.run("report", CAMPAIGN);
    const page = await readFile(join(place.dir, `report-${CAMPAIGN}.html`), "utf8");
    assert.match(page, /has not completed: it is running, and 1 of 2 iterations have finished/);

    const store = await openStore(`dir:${join(place.dir, "store")}`);
    const [created] = await store.ledger(CAMPAIGN).read<object>();
    await store.ledger("begun").append({ id: "row-0", epoch: 0, event: created!.event, by: "test" });
    const begun = await place.run("report", "begun");
    assert.equal(begun.exit, 0, begun.stderr);
    assert.match(
      await readFile(join(place.dir, "report-begun.html"), "utf8"),
      /it is created, and nothing of it has finished/,
    );
  });

  for (const [name, options] of Object.entries<BrowserContextOptions>({
    "a wide light screen": { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
    "a dark phone": { viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  }))
    it(`is readable on ${name}: axe finds nothing serious`, { skip: NO_CHROMIUM }, async () => {
      await place.run("report", CAMPAIGN);
      for (const path of [join(place.dir, `report-${CAMPAIGN}.html`), await crafted("crafted.html")]) {
        const { page, wrong, asked } = await visit(path, options);
        for (const summary of await page.locator("summary").all()) await summary.click();
        assert.deepEqual(await seriousFindings(page), []);
        assert.equal(await widerThanScreen(page), 0);
        assert.deepEqual([wrong, asked], [[], []]);
        await page.context().close();
      }
    });

  it("is readable on paper, also if the screen is dark", { skip: NO_CHROMIUM }, async () => {
    const { page, wrong } = await visit(await crafted("paper.html"), {
      viewport: { width: 700, height: 1000 },
      colorScheme: "dark",
    });
    const paper = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(await paper(), "rgb(21, 23, 26)");
    await page.emulateMedia({ media: "print" });
    assert.equal(await paper(), "rgb(255, 255, 255)");
    assert.ok(await page.locator("#win-rate > svg").isVisible());
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.equal(await widerThanScreen(page), 0);
    assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  it("needs no JavaScript", { skip: NO_CHROMIUM }, async () => {
    const { page } = await visit(await crafted("plain.html"), { javaScriptEnabled: false });
    assert.match(await page.locator("main").innerText(), /iteration 3 ★\s+0\.80 \[0\.78, 0\.82\]/);
    assert.equal(await page.locator("figure > svg").count(), 13);
    await page.context().close();
  });

  it("shows hostile text as text: nothing runs, nothing is loaded", { skip: NO_CHROMIUM }, async () => {
    const { page, wrong, asked } = await visit(await crafted("hostile.html", HOSTILE));
    assert.equal(await page.evaluate("window.hacked"), undefined);
    assert.equal(await page.locator(":is(img, script, iframe, form, button, main style)").count(), 0);
    assert.equal(await page.locator("a:not([href^='#'])").count(), 0);
    assert.ok(await page.locator("main").isVisible());
    const text = await page.locator("#answers").innerText();
    assert.ok(text.includes(`<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">`));
    assert.ok(text.includes("\\u001b[2J\\u202etxt.exe\\u2066 and \\u0007 bell"), "no direction is turned");
    assert.match(text, /… \(\d+ more characters\)/);
    assert.equal(await widerThanScreen(page), 0);
    assert.deepEqual([wrong, asked], [[], []]);
    await page.context().close();
  });
});
