// The people of a chaos campaign. They use the page's server as a browser does: sign in, ask for a question,
// and send a label until they are told that it is stored. Which answer is better follows from the texts
// alone, so every campaign gets the same labels. They also tell the waiting campaign of new labels, as an
// import does.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../examples/shop/random.ts";
import { openTicket } from "../../label-page/access/tickets.ts";
import type { LabelResponse, NextResponse, Question, SideChoice } from "../../label-page/messages.ts";
import { GIVING_HEADER } from "./layers/labels.ts";
import type { Giving } from "./layers/labels.ts";
import type { PageServer } from "./page-server.ts";

export const LABELERS = ["ada", "ben", "cyd"] as const;

/** A label whose giver was told that it is stored. */
export interface Told {
  labeler: string;
  comparison: number;
  choice: SideChoice;
  outcome: LabelResponse["outcome"];
  /** Events of the driver's log at the answer. */
  at: number;
  ticket: string;
}

interface CrowdOptions {
  seed: number;
  page: PageServer;
  /** Number of events in the driver's log. */
  now(): number;
  /** Tells the campaign of new labels. */
  tell(): Promise<void>;
}

const THINKING_MS = 200;
const AGAIN_MS = 250;
/** Nothing to label: a new questionnaire may open, and the page's server looks for one by itself. */
const IDLE_MS = 500;
const TELL_MS = 1_000;
/** Signals are lost while Temporal is away, so the last one is repeated. */
const TELL_AGAIN_MS = 5_000;

interface Received {
  status: number;
  text: string;
  cookie: string | undefined;
}

export class Crowd {
  readonly told: Told[] = [];
  readonly problems: string[] = [];
  private readonly options: CrowdOptions;
  private readonly cookies = new Map<string, string>();
  private readonly running: Promise<void>[] = [];
  private given = 0;
  private closed = false;

  constructor(options: CrowdOptions) {
    this.options = options;
  }

  get page(): PageServer {
    return this.options.page;
  }

  /** People come when the campaign asks for the first time. */
  async begin(): Promise<void> {
    if (this.running.length > 0 || this.closed) return;
    this.running.push(this.tellOften(), ...LABELERS.map((labeler) => this.label(labeler)));
    await this.page.up();
  }

  /** The page's server was killed with everything else, and is started again. */
  async reopen(): Promise<void> {
    if (this.running.length > 0 && !this.closed) await this.page.up();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.page.down();
    await Promise.all(this.running);
  }

  /** Some people change their minds: what they gave is given once more, with the other answer. */
  async changeMinds(count: number): Promise<void> {
    const chosen = this.told.filter(({ choice }) => choice === "left" || choice === "right").slice(-count);
    for (const { labeler, ticket, choice } of chosen)
      await this.give(labeler, ticket, choice === "left" ? "right" : "left");
  }

  private async label(labeler: string): Promise<void> {
    const random = new Random(`crowd ${this.options.seed} ${labeler}`);
    while (!this.closed) {
      const response = await this.post(labeler, "/api/next", { skipped: [] });
      if (response?.status === 401) await this.signIn(labeler);
      const question =
        response?.status === 200 ? (JSON.parse(response.text) as NextResponse).question : undefined;
      await sleep(question ? Math.floor(random.next() * THINKING_MS) : IDLE_MS);
      if (question) await this.give(labeler, question.ticket, betterSide(question));
    }
  }

  /** Sends the label until its giver is told that it is stored. */
  private async give(labeler: string, ticket: string, choice: SideChoice): Promise<void> {
    const id = `label-${(this.given += 1)}`;
    for (let attempt = 1; !this.closed; attempt += 1) {
      const giving: Giving = { labeler, id, attempt };
      const body = { ticket, choice, seconds: 1 };
      const response = await this.post(labeler, "/api/labels", body, giving);
      if (response?.status === 200) {
        const { outcome } = JSON.parse(response.text) as LabelResponse;
        const { comparison } = this.open(labeler, ticket);
        const at = this.options.now();
        return void this.told.push({ labeler, comparison, choice, outcome, at, ticket });
      }
      if (response && response.status < 500)
        return void this.problems.push(`${labeler}'s label is refused: ${response.text}`);
      await sleep(AGAIN_MS);
    }
  }

  private open(labeler: string, ticket: string): { comparison: number } {
    const file = readFileSync(join(this.page.accessFolder, "label-access.json"), "utf8");
    const { ticketKey } = JSON.parse(file) as { ticketKey: string };
    const asked = openTicket(Buffer.from(ticketKey, "base64"), ticket, labeler);
    if (!asked) throw new Error(`the ticket of ${labeler} opens no question`);
    return asked;
  }

  private async signIn(labeler: string): Promise<void> {
    const link = this.page.links.get(labeler);
    const response = link === undefined ? undefined : await this.post(labeler, "/api/session", { link });
    if (response?.cookie) this.cookies.set(labeler, response.cookie);
  }

  /** Undefined if nobody answers. */
  private async post(
    labeler: string,
    path: string,
    body: object,
    giving?: Giving,
  ): Promise<Received | undefined> {
    const headers = new Headers({
      origin: this.page.origin,
      "content-type": "application/json",
      cookie: this.cookies.get(labeler) ?? "",
    });
    if (giving) headers.set(GIVING_HEADER, JSON.stringify(giving));
    try {
      const url = `${this.page.origin}${path}`;
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      const cookie = response.headers.get("set-cookie")?.split(";")[0];
      return { status: response.status, text: await response.text(), cookie };
    } catch {
      return undefined;
    }
  }

  private async tellOften(): Promise<void> {
    let [labels, atMs] = [0, 0];
    for (; !this.closed; await sleep(TELL_MS)) {
      if (this.told.length === labels && Date.now() - atMs < TELL_AGAIN_MS) continue;
      [labels, atMs] = [this.told.length, Date.now()];
      await this.options.tell().catch(() => undefined);
    }
  }
}

/** The longer answer is better; some pairs are a tie, and a few are both bad. */
function betterSide({ left, right }: Question): SideChoice {
  const [first] = createHash("sha256").update([left, right].sort().join("\0")).digest();
  if (first! < 16) return "tie";
  if (first! < 24) return "both_bad";
  const difference = left.length - right.length;
  return (difference === 0 ? left > right : difference > 0) ? "left" : "right";
}
