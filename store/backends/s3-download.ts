// Downloads of one object that survive a lost connection: a body that was cut resumes by range, from the last
// byte that arrived. The caller checks the bytes as a whole against their digest.
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { RatchetError } from "../../errors/index.ts";
import { isReplaced } from "./s3-errors.ts";

/** Tries in a row that brought no byte. */
const FAILURES_WITHOUT_PROGRESS_MAX = 5;

/** What a request says besides its key. */
export interface Range {
  Range?: string;
  IfMatch?: string;
}

/** One request; undefined if the key does not exist. */
type Ask = (range: Range) => Promise<GetObjectCommandOutput | undefined>;

export interface Download {
  sizeBytes: number;
  /** The bytes from `from` up to, not including, `to`. */
  between(from: number, to: number): AsyncGenerator<Uint8Array>;
}

/** Undefined if the key does not exist. `IfMatch` prevents a mix of two versions of the object. */
export async function download(ask: Ask): Promise<Download | undefined> {
  const first = await ask({});
  if (!first?.Body) return undefined;
  const { ETag, ContentLength: sizeBytes, Body } = first;
  if (sizeBytes === undefined) throw new Error("the answer does not say how long it is");
  return {
    sizeBytes,
    between: (from, to) => resumed(ask, from, to, ETag, from === 0 ? (Body as Readable) : undefined),
  };
}

/** `body`: an answer that begins at `from`; it may be longer than needed, and the rest is not read. */
async function* resumed(
  ask: Ask,
  from: number,
  to: number,
  ETag: string | undefined,
  body: Readable | undefined,
): AsyncGenerator<Uint8Array> {
  let failuresWithoutProgress = 0;
  while (from < to) {
    const before = from;
    try {
      body ??= await partOf(ask, from, to, ETag);
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        const wanted = chunk.subarray(0, to - from);
        from += wanted.byteLength;
        yield wanted;
        if (from === to) return;
      }
      throw new Error(`the body ended ${to - from} bytes before its end`);
    } catch (cause) {
      failuresWithoutProgress = from > before ? 0 : failuresWithoutProgress + 1;
      if (failuresWithoutProgress >= FAILURES_WITHOUT_PROGRESS_MAX || isFinal(cause)) throw cause;
      body = undefined;
      await sleep(100 * 2 ** failuresWithoutProgress);
    }
  }
}

async function partOf(ask: Ask, from: number, to: number, ETag: string | undefined): Promise<Readable> {
  const part = await ask({ Range: `bytes=${from}-${to - 1}`, IfMatch: ETag });
  const status = part?.$metadata.httpStatusCode ?? 404;
  if (!part?.Body || (from > 0 && status !== 206))
    throw new Error(`the bytes from ${from} on were asked for, and the answer has status ${status}`);
  return part.Body as Readable;
}

/** The server's answer, not a lost connection: the same request would get it again. */
const isFinal = (cause: unknown): boolean =>
  isReplaced(cause) || (cause instanceof RatchetError && cause.code !== "store_unreachable");
