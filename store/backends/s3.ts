// An S3 bucket as a backend. `If-None-Match: *` is the one conditional call. Any answer to it that does not
// clearly say "created" (412, 409, a lost answer) is settled by reading the key. (docs/store.md)
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Backend, Digest } from "../types.ts";
import { S3Connection } from "./s3-connection.ts";
import type { S3Location } from "./s3-connection.ts";
import { download } from "./s3-download.ts";
import type { Download, Range } from "./s3-download.ts";
import { listEntries, listFolders, listUploads } from "./s3-listing.ts";
import { downloadInParts, PART_BYTES, uploadInParts } from "./s3-parts.ts";
import { isMissingKey, isNotFound, isPermanent, isReplaced, isUnexplained, translated } from "./s3-errors.ts";

/** A bucket that was seen this long ago still counts as there. */
const SEEN_MS = 1_000;

/** Downloads of one object that begin again because somebody replaced it meanwhile. */
const WHOLE_TRIES_MAX = 5;

// oxlint-disable-next-line max-lines-per-function -- one table: what each call of a backend is on S3
export function s3Backend(location: S3Location, makeClient?: () => S3Client): Backend {
  const s3 = new S3Connection(location, makeClient);
  const { name } = s3;
  const get = (key: string): Promise<Uint8Array | undefined> =>
    readWhole(s3, key, async (object) => Buffer.concat(await collected(object.between(0, object.sizeBytes))));

  /** Ours if the key holds our bytes: an earlier try of ours may have arrived although its answer did not. */
  async function settle(key: string, bytes: Uint8Array, cause: unknown): Promise<"created" | "exists"> {
    const stored = await get(key);
    if (!stored) throw translated(cause, name, "PutObject");
    return Buffer.compare(stored, bytes) === 0 ? "created" : "exists";
  }

  let bucketSeenAtMs = -Infinity;

  /**
   * Undefined if the key does not exist. The answer to HEAD has no body, so it does not tell a missing key
   * from a missing bucket, nor what is wrong with the credentials. The answer to GET does.
   */
  async function explained(client: S3Client, key: string, cause: unknown): Promise<undefined> {
    if (!isNotFound(cause) && !isUnexplained(cause)) throw cause;
    const nowMs = performance.now();
    if (isNotFound(cause) && nowMs - bucketSeenAtMs < SEEN_MS) return;
    const firstByte = { ...s3.object(key), Range: "bytes=0-0" };
    const found = await client.send(new GetObjectCommand(firstByte)).catch(unless(isMissingKey));
    (found?.Body as Readable | undefined)?.destroy();
    if (!isNotFound(cause)) throw cause;
    bucketSeenAtMs = nowMs;
  }

  return {
    name,
    presentForMs: SEEN_MS,
    get,
    digest: (key) => readWhole(s3, key, (object) => digestOf(object.between(0, object.sizeBytes))),
    getFile: (key, path) => readWhole(s3, key, (object) => downloadInParts(object, path)),
    async put(key, bytes) {
      const object = { ...s3.object(key), Body: bytes, ChecksumAlgorithm: "CRC32" } as const;
      await s3.call("PutObject", (client) => client.send(new PutObjectCommand(object)));
    },
    async putFile(key, path) {
      const { size } = await stat(path);
      if (size <= PART_BYTES) return this.put(key, await readFile(path));
      await s3.call("PutObject", (client) => uploadInParts(client, s3.object(key), path, size));
    },
    putIfAbsent(key, bytes) {
      const object = {
        ...s3.object(key),
        Body: bytes,
        IfNoneMatch: "*",
        ChecksumAlgorithm: "CRC32",
      } as const;
      return s3.call("PutObject with If-None-Match", async (client) => {
        try {
          await client.send(new PutObjectCommand(object));
          return "created";
        } catch (error) {
          // 412 does not say that another writer was first: the SDK retries by itself, and its second try may
          // find the object of its first.
          if (isPermanent(error)) throw error;
          return settle(key, bytes, error);
        }
      });
    },
    async stat(key) {
      const head = await s3.call("HeadObject", (client) =>
        client
          .send(new HeadObjectCommand(s3.object(key)))
          .catch((cause: unknown) => explained(client, key, cause)),
      );
      return (
        head && { key, sizeBytes: head.ContentLength ?? 0, modifiedMs: head.LastModified?.getTime() ?? 0 }
      );
    },
    async *list(prefix, after) {
      for await (const { key } of listEntries(s3, prefix, after)) yield key;
    },
    entries: (prefix) => listEntries(s3, prefix),
    leftovers: () => listUploads(s3),
    folders: (prefix) => listFolders(s3, prefix),
    async delete(key) {
      await s3.call("DeleteObject", (client) => client.send(new DeleteObjectCommand(s3.object(key))));
    },
  };
}

/**
 * What `read` makes of an object; undefined if the key does not exist. Begins again if the object is replaced
 * meanwhile.
 */
async function readWhole<T>(
  s3: S3Connection,
  key: string,
  read: (object: Download) => Promise<T>,
): Promise<T | undefined> {
  const ask = (range: Range) =>
    s3.call("GetObject", (client) =>
      client.send(new GetObjectCommand({ ...s3.object(key), ...range })).catch(unless(isMissingKey)),
    );
  for (let tries = 1; ; tries += 1)
    try {
      const object = await download(ask);
      return object && (await read(object));
    } catch (cause) {
      if (!isReplaced(cause) || tries === WHOLE_TRIES_MAX) throw translated(cause, s3.name, "GetObject");
    }
}

/** A handler of rejections that makes an absence undefined, and throws everything else. */
const unless =
  (isAbsence: (cause: unknown) => boolean) =>
  (cause: unknown): undefined => {
    if (!isAbsence(cause)) throw cause;
    return undefined;
  };

async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

/** `s3://bucket/prefix/of/keys`. Undefined if the text names no bucket. */
export function parseS3Name(name: string): S3Location | undefined {
  const groups = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>.*?))?\/*$/.exec(
    name,
  )?.groups;
  return groups?.["bucket"] ? { bucket: groups["bucket"], prefix: groups["prefix"] ?? "" } : undefined;
}
