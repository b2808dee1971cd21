// What the page says after a label, and when it ends.
import type { LabelResponse, Refusal } from "../messages.ts";

export const OUTCOMES: Record<LabelResponse["outcome"], string> = {
  kept: "Stored.",
  late: "This round was closed meanwhile. The label is stored, but does not count.",
  extra: "Others have labeled it meanwhile. The label is stored, and used to see whether people agree.",
  withdrawn: "Taken back.",
};

export const GONE = "This question is no longer asked. The label was not stored.";
export const SKIPPED = "Skipped: it is asked again at the end.";

const ENDS: Partial<Record<Refusal["error"], string>> = {
  link_unknown:
    "This link is not valid: it is of another campaign, has expired or was revoked. Ask for a new one.",
  link_used: "Another browser has used this link. Ask for a link of your own.",
  moved: "This campaign was moved. Ask for a link to its new place.",
  signed_out: "Your link has expired or was revoked, or you have not opened it here. Ask for a new one.",
};

export const ended = (code: Refusal["error"]): string =>
  `${ENDS[code] ?? "The server refused the page. Load it again."} What you have labeled is stored.`;
