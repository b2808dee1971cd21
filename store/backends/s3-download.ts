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

/** Undefined where `ask` finds no object. `IfMatch` keeps the pieces of two versions of an object from being joined. */
export async function download(ask: (range: Range) => Promise<GetObjectCommandOutput | undefined>): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const first = await ask({});
  return first?.Body ? resumed(first, ask) : undefined;
}

async function* resumed(first: GetObjectCommandOutput, ask: (range: Range) => Promise<GetObjectCommandOutput | undefined>): AsyncGenerator<Uint8Array> {
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

async function continued(ask: (range: Range) => Promise<GetObjectCommandOutput | undefined>, from: number, ETag: string | undefined): Promise<Readable> {
  const rest = await ask({ Range: `bytes=${from}-`, ...(ETag ? { IfMatch: ETag } : {}) });
  if (from > 0 && rest?.$metadata.httpStatusCode !== 206) throw new Error(`the server answered a request for the bytes from ${from} on with status ${rest?.$metadata.httpStatusCode}`);
  return rest?.Body as Readable;
}

/** An answer, not a lost connection: asking again gives the same. */
const isRefusal = (cause: unknown): boolean => cause instanceof ResourceError && cause.code !== "store_unreachable";
