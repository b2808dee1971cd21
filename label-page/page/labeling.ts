// The page's logic, without its looks. It signs in with the link's secret, then asks one question after the
// other.
import type {
  LabelRequest,
  LabelResponse,
  NextResponse,
  Question,
  QuestionRequest,
  Session,
} from "../messages.ts";
import { labeled, skipped, unconfirmed } from "./memory.ts";
import { call, Refused } from "./server.ts";
import { signIn } from "./sign-in.ts";
import { ended, GONE, OUTCOMES, SKIPPED } from "./words.ts";

/** While nothing is asked, the page looks again after this. */
const WAIT_MS = 10_000;

export interface State {
  session?: Session;
  /** Null: nothing is asked now. */
  question?: Question | null;
  /** Counts questions, so that each starts empty. */
  shown: number;
  /** While something is sent, nothing else can be. */
  busy: boolean;
  /** The server or its store does not answer. */
  away: boolean;
  notice?: string;
  /** The page can do nothing more. */
  end?: string;
}

export const START: State = { shown: 0, busy: true, away: false };

export class Labeling {
  private state = START;
  private readonly onChange: (state: State) => void;

  constructor(onChange: (state: State) => void) {
    this.onChange = onChange;
  }

  start(): void {
    this.step(async () => {
      await signIn((path, body) => this.send(path, body));
      this.set({ session: await this.send<Session>("/api/session") });
      const label = unconfirmed.get();
      if (label) await this.give(label);
      await this.next();
    });
  }

  label(label: LabelRequest): void {
    this.step(async () => {
      await this.give(label);
      await this.next();
    });
  }

  skip({ ticket }: Question): void {
    skipped.add(ticket);
    this.step(async () => {
      await this.next();
      this.set({ notice: SKIPPED });
    });
  }

  undo(): void {
    const ticket = labeled.pop();
    if (ticket === undefined) return;
    this.step(async () => {
      const isAsked = await this.give({ ticket, choice: null, seconds: 0 });
      if (!isAsked) return this.next();
      const again: QuestionRequest = { ticket };
      this.show(await this.send<Question>("/api/question", again));
    });
  }

  /** The label stays in this browser until the server has it. False if its question is no longer asked. */
  private async give(label: LabelRequest): Promise<boolean> {
    unconfirmed.set(label);
    const outcome = await this.outcomeOf(label);
    unconfirmed.set(null);
    skipped.remove(label.ticket);
    this.set({ notice: outcome ? OUTCOMES[outcome] : GONE });
    if (outcome && label.choice !== null) labeled.push(label.ticket);
    return outcome !== undefined;
  }

  private async outcomeOf(label: LabelRequest): Promise<LabelResponse["outcome"] | undefined> {
    try {
      return (await this.send<LabelResponse>("/api/labels", label)).outcome;
    } catch (error) {
      if (error instanceof Refused && ["question_gone", "invalid"].includes(error.code)) return undefined;
      throw error;
    }
  }

  private async next(): Promise<void> {
    const { question } = await this.send<NextResponse>("/api/next", { skipped: skipped.all() });
    this.show(question);
  }

  private show(question: Question | null): void {
    this.set({ question, busy: false, shown: this.state.shown + 1 });
    if (question === null) setTimeout(() => this.step(() => this.next()), WAIT_MS);
  }

  private send<T>(path: string, body?: unknown): Promise<T> {
    return call<T>(path, body, (away) => this.set({ away }));
  }

  private step(work: () => Promise<void>): void {
    this.set({ busy: true });
    work().catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      this.set({ end: ended(error.code), busy: false });
    });
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.onChange(this.state);
  }
}
