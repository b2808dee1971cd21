// Refuses requests that another page makes in the labeler's browser. `Host` must be one of ours, against DNS
// rebinding. A request that changes something must say that it comes from our page, and send JSON, which a
// form cannot.
import type { MiddlewareHandler } from "hono";
import { refusal } from "./errors.ts";

export function refuseForeignPages(origins: readonly string[]): MiddlewareHandler {
  const hosts = new Set(origins.map((origin) => new URL(origin).host));
  return async (c, next) => {
    if (!hosts.has((c.req.header("host") ?? "").toLowerCase()))
      return refusal(c, 403, "forbidden", "this server has another name");
    if (c.req.method === "GET") return next();
    if (!origins.includes(c.req.header("origin") ?? ""))
      return refusal(c, 403, "forbidden", "the request comes from another page");
    if (c.req.header("content-type") !== "application/json")
      return refusal(c, 400, "invalid", "the request is no JSON");
    return next();
  };
}
