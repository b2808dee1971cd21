import { RatchetError } from "../../errors/index.ts";

interface Details {
  /** Number of problems that were found, this one included. */
  problems?: number;
  hint?: string;
  cause?: unknown;
}

const WHOLE = "what is left whole can be exported; `ratchet verify` lists all damage";

export const unrepairable = (
  campaignId: string,
  why: string,
  { problems = 1, hint = WHOLE, cause }: Details = {},
): RatchetError =>
  new RatchetError(
    "unrepairable",
    `${campaignId} cannot be repaired: ${why}${problems > 1 ? ` (and ${problems - 1} more)` : ""}`,
    { hint, cause },
  );
