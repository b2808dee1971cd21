// One person labels by keyboard alone in a real browser, in a questionnaire of long answers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";
import { Random } from "../../examples/shop/random.ts";
import { labelsAt } from "../../labels/standing.ts";
import { openStore } from "../../store/index.ts";
import { CHROMIUM } from "../../test/support/browser.ts";
import { LabelServerProcess } from "../../test/support/label-server.ts";
import { recordQuestionnaire } from "../../test/support/questionnaire.ts";
import { Workplace } from "../../test/support/ratchet-command.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { memoryOf, quantile } from "./measure.ts";

interface Load {
  comparisons: number;
  /** Of each answer. */
  tokens: number;
  /** That the person answers. */
  questions: number;
}

/** Of English text. */
const CHARACTERS_PER_TOKEN = 4;
const PARAGRAPH = 400;

/** In the page: the time from `Enter` to the next question on the screen, and tasks of over 50 ms. */
const MEASURE = `
  window.measured = { shown: [], tasks: [] };
  let sentAt, isBusy = false;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.measured.tasks.push(duration);
  }).observe({ type: "longtask", buffered: true });
  addEventListener("keydown", ({ key }) => { if (key === "Enter") sentAt = performance.now(); }, true);
  new MutationObserver(() => {
    const skip = document.querySelector("button.skip");
    if (sentAt === undefined || !skip) return;
    if (skip.disabled) isBusy = true;
    else if (isBusy) {
      const since = sentAt;
      [sentAt, isBusy] = [undefined, false];
      requestAnimationFrame(() => setTimeout(() => window.measured.shown.push(performance.now() - since)));
    }
  }).observe(document, { subtree: true, childList: true, attributes: true });
`;

interface Measured {
  shown: number[];
  tasks: number[];
}

export async function pageUnderLoad(load: Load, say: (line: string) => void): Promise<void> {
  const { comparisons, tokens, questions } = load;
  const place = await Workplace.open({ RATCHET_STORE: "dir:store" });
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    const store = await openStore(`dir:${join(place.dir, "store")}`, { create: true });
    await recordCampaign(store, "done", "running");
    const asked = await recordQuestionnaire(store, "done", textsOf(load));
    say(
      `page: ${comparisons} comparisons, each answer of ${tokens} tokens; ${questions} answered by keyboard`,
    );
    const server = new LabelServerProcess(place);
    const link = await server.start("ada");
    say(`  server started: ${memoryOf(server.pid).now} MB`);
    const page = await browser.newPage();
    page.setDefaultTimeout(600_000);
    await page.addInitScript(MEASURE);
    const startedAt = performance.now();
    await page.goto(link);
    await page.getByRole("heading", { name: "Answer A" }).waitFor();
    say(`  first question after ${Math.round(performance.now() - startedAt)} ms`);
    const { shown, tasks } = await answered(page, questions);
    const [p50, p95] = [quantile(shown, 0.5), quantile(shown, 0.95)].map(Math.round);
    say(`  next question shown: p50 ${p50} ms, p95 ${p95} ms after Enter`);
    const longest = Math.round(Math.max(0, ...tasks));
    say(`  tasks over 50 ms in the browser: ${tasks.length}, the longest ${longest} ms`);
    const memory = memoryOf(server.pid);
    say(`  server's memory: ${memory.now} MB, at most ${memory.peak} MB`);
    assert.equal((await labelsAt(store, asked)).length, questions, "each label is stored once");
  } finally {
    await browser.close();
    await place.close();
  }
}

async function answered(page: Page, questions: number): Promise<Measured> {
  for (let count = 1; count <= questions; count += 1) {
    await page.keyboard.press(count % 2 === 0 ? "a" : "b");
    await page.keyboard.press("Enter");
    while ((await page.evaluate<number>("window.measured.shown.length")) < count) await delay(20);
  }
  return page.evaluate<Measured>("window.measured");
}

function textsOf({ comparisons, tokens }: Load): { count: number; texts: string[]; others: string[] } {
  const random = new Random("label load");
  const words = Array.from({ length: 2_000 }, () => word(random));
  const answer = (): string => {
    let text = "";
    while (text.length < tokens * CHARACTERS_PER_TOKEN) {
      const start = random.pick(["", "- ", "> ", "1. ", "## "]);
      let paragraph = "";
      while (paragraph.length < PARAGRAPH) paragraph += `${random.pick(words)} `;
      text += `${start}${paragraph.trimEnd()} **${random.pick(words)}** \`${random.pick(words)}\`\n\n`;
    }
    return text;
  };
  const all = (): string[] => Array.from({ length: comparisons }, answer);
  return { count: comparisons, texts: all(), others: all() };
}

function word(random: Random): string {
  const letters = Array.from({ length: 2 + Math.floor(random.next() * 8) }, () =>
    String.fromCodePoint(97 + Math.floor(random.next() * 26)),
  );
  return letters.join("");
}
