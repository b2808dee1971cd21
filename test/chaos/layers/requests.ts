// Every HTTP request of the worker carries the attempt that made it, in a header that the S3 proxy takes off again.
import http from "node:http";
import type { OutgoingHttpHeaders, RequestOptions } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { currentAttempt } from "./activities.ts";

export const ATTEMPT_HEADER = "x-chaos-attempt";

export function markRequests(): void {
  const { request } = http;
  http.request = ((options: RequestOptions, ...more: never[]) => {
    const attempt = currentAttempt();
    // Not among the headers that the request's signature covers.
    return request(
      attempt
        ? {
            ...options,
            headers: {
              ...(options.headers as OutgoingHttpHeaders),
              [ATTEMPT_HEADER]: JSON.stringify(attempt),
            },
          }
        : options,
      ...more,
    );
  }) as typeof request;
  syncBuiltinESMExports();
}
