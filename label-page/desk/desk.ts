// Where labelers are served: which comparison is next, its texts, and the label that is given.
import type { Given } from "../../campaign/labeling/types.ts";
import type { Digest } from "../../campaign/types.ts";
import { giveLabel } from "../../labels/give.ts";
import type { Outcome } from "../../labels/give.ts";
import { readLabel } from "../../labels/label.ts";
import { askingOf } from "../../labels/asking.ts";
import type { Decided } from "../../labels/decided.ts";
import { questionnairesOf, readSeal } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { sealedRows } from "../../labels/seal-rows.ts";
import type { LabelSource } from "../../labels/source.ts";
import { byRowName, keyAt, stateOf } from "../../labels/standing.ts";
import type { LabelState } from "../../labels/standing.ts";
import { openTicket, sealTicket } from "../access/tickets.ts";
import type { LabelRequest, LabelResponse, Question } from "../messages.ts";
import { Board } from "./board.ts";
import { leftOf } from "./order.ts";

/** New and closed questionnaires are noticed after this, and a closed one with its first late label. */
const LOOK_MS = 10_000;

export class Desk {
  private readonly source: LabelSource;
  private readonly labelers: readonly string[];
  private readonly ticketKey: Buffer;
  private readonly boards = new Map<Digest, Board>();
  private open: readonly Board[] = [];
  private looking: Promise<void> | undefined;
  private lookedAtMs = -Infinity;

  constructor(source: LabelSource, labelers: readonly string[], ticketKey: Buffer) {
    this.source = source;
    this.labelers = labelers;
    this.ticketKey = ticketKey;
  }

  /** Undefined if nothing is asked of the labeler now. */
  async next(labeler: string, skipped: readonly string[]): Promise<Question | undefined> {
    await this.look();
    const later = skipped.flatMap((ticket) => openTicket(this.ticketKey, ticket, labeler) ?? []);
    for (const board of this.open) {
      await board.refresh();
      const numbers = later
        .filter(({ questionnaire }) => questionnaire === board.questionnaire.digest)
        .map(({ comparison }) => comparison);
      const comparison = await board.next(labeler, numbers);
      const question = comparison === undefined ? undefined : await this.ask(board, comparison, labeler);
      if (question) return question;
    }
    return undefined;
  }

  /** Undefined if the ticket names no question of the labeler (any more). */
  async question(labeler: string, ticket: string): Promise<Question | undefined> {
    const found = await this.find(labeler, ticket);
    return found && this.ask(found.board, found.comparison, labeler);
  }

  async give(
    labeler: string,
    { ticket, choice, seconds, strength, note }: LabelRequest,
  ): Promise<LabelResponse | undefined> {
    const found = await this.find(labeler, ticket);
    if (!found) return undefined;
    const { board, comparison } = found;
    const shown = leftOf(board.questionnaire.digest, comparison, labeler);
    const right = shown === "first" ? "second" : "first";
    const given: Given = {
      comparison,
      labeler,
      choice: choice === "left" ? shown : choice === "right" ? right : choice,
      strength,
      note: note === "" ? undefined : note,
      seconds,
      at: new Date().toISOString(),
      shown,
    };
    const decided = await this.source.decided();
    board.withdrawn = decided.withdrawn;
    const outcome = await giveLabel(
      this.source.store,
      board.questionnaire,
      given,
      decided,
      board.asking === "abandoned",
    );
    await board.look(comparison);
    this.source.given(board.questionnaire.place);
    if (outcome === "late") this.lookedAtMs = -Infinity;
    if (outcome !== "same") return { outcome: toPage(outcome) };
    return { outcome: toPage(await this.stateOf(board, given, decided)) };
  }

  /** Of a label that is stored already: the page has sent it again, because an answer was lost. */
  private async stateOf(
    board: Board,
    { comparison, labeler }: Given,
    { repairs, withdrawn }: Decided,
  ): Promise<LabelState> {
    const { store } = this.source;
    const at = board.placeOfLabel(comparison, labeler);
    const label = at && (await readLabel(store.backend, keyAt(board.questionnaire, at)));
    if (!label) return "withdrawn";
    const seal = await readSeal(store, board.questionnaire, repairs);
    return stateOf({ at, label }, seal && byRowName(await sealedRows(store, seal)), withdrawn);
  }

  private async ask(board: Board, comparison: number, labeler: string): Promise<Question | undefined> {
    const row = await board.texts.read(comparison);
    if (!row) return undefined;
    const { digest } = board.questionnaire;
    const [left, right] =
      leftOf(digest, comparison, labeler) === "first" ? [row.first, row.second] : [row.second, row.first];
    return {
      ticket: sealTicket(this.ticketKey, { questionnaire: digest, comparison, labeler }),
      prompt: row.messages?.map(({ role, content }) => ({ role, content })) ?? [
        { role: "user", content: row.prompt ?? "" },
      ],
      left: left.text,
      right: right.text,
      progress: board.progressOf(labeler),
    };
  }

  private async find(
    labeler: string,
    ticket: string,
  ): Promise<{ board: Board; comparison: number } | undefined> {
    const asked = openTicket(this.ticketKey, ticket, labeler);
    if (!asked) return undefined;
    await this.look();
    const board = this.boards.get(asked.questionnaire);
    return board && { board, comparison: asked.comparison };
  }

  /** Finds the campaign's questionnaires, and which are open. */
  private async look(): Promise<void> {
    if (performance.now() - this.lookedAtMs < LOOK_MS) return;
    this.looking ??= this.lookNow().finally(() => (this.looking = undefined));
    await this.looking;
  }

  private async lookNow(): Promise<void> {
    const { store, campaignId } = this.source;
    const { repairs, withdrawn, standing } = await this.source.decided();
    const all = await questionnairesOf(store, campaignId, repairs);
    const isSealed = ({ digest }: Questionnaire): boolean => this.boards.get(digest)?.asking === "closed";
    const open: Board[] = [];
    for (const { questionnaire, asking } of await askingOf(store, all, standing, repairs, isSealed)) {
      const board = this.boards.get(questionnaire.digest) ?? new Board(store, questionnaire, this.labelers);
      Object.assign(board, { withdrawn, asking });
      this.boards.set(questionnaire.digest, board);
      if (asking === "open") open.push(board);
    }
    this.open = open;
    this.lookedAtMs = performance.now();
  }
}

const toPage = (state: Exclude<Outcome, "same">): LabelResponse["outcome"] =>
  state === "late" || state === "extra" || state === "withdrawn" ? state : "kept";
