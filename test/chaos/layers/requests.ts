// Adds to every HTTP request of the worker a header with its attempt. The S3 proxy removes the header.
import http from "node:http";
import type { OutgoingHttpHeaders, RequestOptions } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { currentAttempt } from "./attempt.ts";

export const ATTEMPT_HEADER = "x-chaos-attempt";

export function markRequests(): void {
  const { request } = http;
  http.request = ((options: RequestOptions, ...more: never[]) => {
    const attempt = currentAttempt();
    // The request's signature does not cover this header.
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
