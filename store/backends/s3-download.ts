// One object's bytes, whatever happens to the connection: a body that is cut in the middle goes on by range from the last byte that
// arrived. The bytes as a whole are checked by whoever knows their digest.
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { ResourceError } from "../errors.ts";

/** Cuts in a row after which no byte has arrived. */
const FRUITLESS_MAX = 5;

/** What a request is given besides its key. */
export interface Range {
  Range?: string;
  IfMatch?: string;
}

/** One request; undefined where the key does not exist. */
type Ask = (range: Range) => Promise<GetObjectCommandOutput | undefined>;

/** Undefined where `ask` finds no object. `IfMatch` keeps the pieces of two versions of an object from being joined. */
export async function download(ask: Ask): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const first = await ask({});
  return first?.Body ? resumed(first, ask) : undefined;
}

async function* resumed(first: GetObjectCommandOutput, ask: Ask): AsyncGenerator<Uint8Array> {
  const { ETag, ContentLength } = first;
  let body: Readable | undefined = first.Body as Readable;
  let received = 0;
  let fruitless = 0;
  for (;;) {
    const before = received;
    try {
      body ??= await continued(ask, received, ETag);
      for await (const chunk of body) {
        received += (chunk as Uint8Array).byteLength;
        yield chunk as Uint8Array;
      }
      if (ContentLength === undefined || received >= ContentLength) return;
      throw new Error(`the body ended after ${received} of ${ContentLength} bytes`);
    } catch (cause) {
      fruitless = received > before ? 0 : fruitless + 1;
      if (fruitless >= FRUITLESS_MAX || ContentLength === undefined || isRefusal(cause)) throw cause;
      body = undefined;
      await sleep(100 * 2 ** fruitless);
    }
  }
}

async function continued(ask: Ask, from: number, ETag: string | undefined): Promise<Readable> {
  const rest = await ask({ Range: `bytes=${from}-`, ...(ETag ? { IfMatch: ETag } : {}) });
  const status = rest?.$metadata.httpStatusCode ?? 404;
  if (!rest?.Body || (from > 0 && status !== 206)) throw new Error(`the bytes from ${from} on were asked for, and the answer has status ${status}`);
  return rest.Body as Readable;
}

/** An answer, not a lost connection: asking again gives the same. */
const isRefusal = (cause: unknown): boolean => cause instanceof ResourceError && cause.code !== "store_unreachable";
