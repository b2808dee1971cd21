// The messages between the page and its server, as JSON. They name no model, no answer's number,
// no score and no audit part: a labeler who reads the responses learns no more than the page shows.

/** The page's sides have letters: left is A, right is B. */
export type SideChoice = "left" | "right" | "tie" | "both_bad";

export interface Session {
  labeler: string;
  campaign: string;
  /** Markdown. */
  instructions: string;
  /** Characters of a note. */
  noteMax: number;
}

export interface Progress {
  /** Comparisons that this labeler has labeled. */
  mine: number;
  /** Comparisons that still need a label and that this labeler may give one to. */
  left: number;
  /** Labels that count if the round is closed now, of those that are asked. */
  given: number;
  asked: number;
}

export interface Turn {
  role: string;
  content: string;
}

export interface Question {
  /** Names the comparison to the server. The same question has the same ticket, also after a restart. */
  ticket: string;
  prompt: Turn[];
  left: string;
  right: string;
  progress: Progress;
}

/** The oldest first. They are asked again when nothing else is left. */
export interface NextRequest {
  skipped: string[];
}

/** Null: nothing is asked of this labeler now. */
export interface NextResponse {
  question: Question | null;
}

export interface QuestionRequest {
  ticket: string;
}

export interface LabelRequest {
  ticket: string;
  /** Null takes the label back. */
  choice: SideChoice | null;
  strength?: number;
  note?: string;
  seconds: number;
}

/**
 * - `kept`: the label counts if the round is closed now.
 * - `late`: the round is closed.
 * - `extra`: others have labeled it; the label counts for agreement only.
 * - `withdrawn`: it was taken back.
 */
export interface LabelResponse {
  outcome: "kept" | "late" | "extra" | "withdrawn";
}

export interface Refusal {
  /**
   * - `link_unknown`: not a link of this campaign, or it has expired or was revoked.
   * - `link_used`: another browser has used it.
   * - `signed_out`: no session, or it has expired or was revoked.
   * - `question_gone`: the ticket names no question of this labeler.
   * - `invalid`: the request has a wrong shape.
   * - `forbidden`: the request comes from another page, or names another host.
   * - `moved`: the campaign was moved to another store.
   * - `away`: the store does not answer; the same request may succeed later.
   */
  error:
    | "link_unknown"
    | "link_used"
    | "signed_out"
    | "question_gone"
    | "invalid"
    | "forbidden"
    | "moved"
    | "away";
  message: string;
}
