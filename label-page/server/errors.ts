// Refusals of the API. A labeler is shown what to do, the operator why.
import type { Context, ErrorHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ZodError } from "zod";
import { isCoded } from "../../errors/index.ts";
import type { Refusal } from "../messages.ts";

export function refusal(
  c: Context,
  status: ContentfulStatusCode,
  error: Refusal["error"],
  message: string,
): Response {
  return c.json<Refusal>({ error, message }, status);
}

/** Everything but a wrong request may pass: the page sends the same request again. */
export const refuseOnError =
  (report: (error: unknown) => void): ErrorHandler =>
  (error, c) => {
    if (error instanceof ZodError || error instanceof SyntaxError)
      return refusal(c, 400, "invalid", "the request has a wrong shape");
    if (isCoded(error) && error.code === "label_invalid") return refusal(c, 400, "invalid", error.message);
    if (isCoded(error) && error.code === "campaign_moved") return refusal(c, 409, "moved", error.message);
    report(error);
    return refusal(c, 503, "away", "the store does not answer");
  };
