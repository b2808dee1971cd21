// An S3 bucket as a backend. Credentials, region and endpoint come from the AWS chain and environment only. `If-None-Match: *` is the one
// conditional call; whatever does not clearly say "created" (412, 409, a lost answer) is settled by reading the key. (docs/store.md)
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type {
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  ListObjectsV2CommandOutput,
} from "@aws-sdk/client-s3";
import type { Backend, Digest, Entry } from "../types.ts";
import { download } from "./s3-download.ts";
import { downloadInParts, PART_BYTES, uploadInParts } from "./s3-parts.ts";
import { isMissingKey, isNotFound, isPermanent, isStaleIdentity, translated } from "./s3-errors.ts";
import type { Call } from "./s3-errors.ts";

export interface S3Location {
  bucket: string;
  /** Without slashes at either end; may be empty. */
  prefix: string;
}

export function s3Backend(
  { bucket, prefix }: S3Location,
  makeClient: () => S3Client = defaultClient,
): Backend {
  const name = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  const root = prefix === "" ? "" : `${prefix}/`;
  const at = (key: string) => ({ Bucket: bucket, Key: `${root}${key}` });
  let current: S3Client | undefined;

  /**
   * Every call goes through here. Where its identity is refused it is made once more by a new client, which reads the AWS chain again:
   * credentials that were renewed while a campaign runs are picked up without a restart.
   */
  async function call<T>(what: Call, work: (client: S3Client) => Promise<T>): Promise<T> {
    const client = (current ??= makeClient());
    try {
      return await work(client);
    } catch (cause) {
      if (!isStaleIdentity(cause)) throw translated(cause, name, what);
      if (current === client) current = makeClient();
      return await work(current ?? makeClient()).catch((again: unknown) => {
        throw translated(again, name, what);
      });
    }
  }

  const unless =
    (isAbsence: (cause: unknown) => boolean) =>
    (cause: unknown): undefined => {
      if (!isAbsence(cause)) throw cause;
      return undefined;
    };
  const translate = (cause: unknown): never => {
    throw translated(cause, name, "GetObject");
  };
  const found = (key: string) =>
    download((range) =>
      call("GetObject", (client) =>
        client.send(new GetObjectCommand({ ...at(key), ...range })).catch(unless(isMissingKey)),
      ),
    ).catch(translate);

  async function get(key: string): Promise<Uint8Array | undefined> {
    const object = await found(key);
    return object && Buffer.concat(await collected(object.between(0, object.sizeBytes)).catch(translate));
  }

  /** Ours if the key holds our bytes: an earlier try of ours may have arrived although its answer did not. */
  async function settle(key: string, bytes: Uint8Array, cause: unknown): Promise<"created" | "exists"> {
    const stored = await get(key);
    if (!stored) throw translated(cause, name, "PutObject");
    return Buffer.compare(stored, bytes) === 0 ? "created" : "exists";
  }

  async function* pages(prefixOfKeys: string, more: { StartAfter?: string; Delimiter?: string }) {
    let token: string | undefined;
    do {
      const input = { Bucket: bucket, Prefix: `${root}${prefixOfKeys}`, ContinuationToken: token, ...more };
      const page: ListObjectsV2CommandOutput = await call("ListBucket", (client) =>
        client.send(new ListObjectsV2Command(input)),
      );
      yield page;
      token = page.NextContinuationToken;
    } while (token);
  }

  async function* entries(prefixOfKeys: string, more: { StartAfter?: string }): AsyncGenerator<Entry> {
    for await (const page of pages(prefixOfKeys, more)) {
      for (const { Key, Size = 0, LastModified } of page.Contents ?? [])
        if (Key)
          yield { key: Key.slice(root.length), sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? 0 };
    }
  }

  return {
    name,
    get,
    async digest(key) {
      const object = await found(key);
      return object && (await digestOf(object.between(0, object.sizeBytes)).catch(translate));
    },
    async getFile(key, path) {
      const object = await found(key);
      return object && (await downloadInParts(object, path).catch(translate));
    },
    async put(key, bytes) {
      await call("PutObject", (client) =>
        client.send(new PutObjectCommand({ ...at(key), Body: bytes, ChecksumAlgorithm: "CRC32" })),
      );
    },
    async putFile(key, path) {
      const { size } = await stat(path);
      if (size <= PART_BYTES) return this.put(key, await readFile(path));
      await call("PutObject", (client) => uploadInParts(client, at(key), path, size));
    },
    async putIfAbsent(key, bytes) {
      return call("PutObject with If-None-Match", async (client) => {
        try {
          await client.send(
            new PutObjectCommand({ ...at(key), Body: bytes, IfNoneMatch: "*", ChecksumAlgorithm: "CRC32" }),
          );
          return "created";
        } catch (error) {
          // A condition that was false is an answer only if nobody tried before us under this very call: the SDK's own retry may
          // have met its first try, so 412 is settled like every unknown outcome.
          if (isPermanent(error)) throw error;
          return settle(key, bytes, error);
        }
      });
    },
    async stat(key) {
      const head = await call("HeadObject", (client) =>
        client.send(new HeadObjectCommand(at(key))).catch(unless(isNotFound)),
      );
      return (
        head && { key, sizeBytes: head.ContentLength ?? 0, modifiedMs: head.LastModified?.getTime() ?? 0 }
      );
    },
    async *list(prefixOfKeys, after) {
      for await (const { key } of entries(
        prefixOfKeys,
        after === undefined ? {} : { StartAfter: `${root}${after}` },
      ))
        yield key;
    },
    entries: (prefixOfKeys) => entries(prefixOfKeys, {}),
    async *leftovers() {
      for (
        let more: Pick<ListMultipartUploadsCommandInput, "KeyMarker" | "UploadIdMarker"> | undefined = {};
        more;
      ) {
        const markers: typeof more = more;
        const page: ListMultipartUploadsCommandOutput = await call("ListBucketMultipartUploads", (client) =>
          client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: root, ...markers })),
        );
        for (const { Key = "", UploadId, Initiated } of page.Uploads ?? []) {
          const remove = async () =>
            void (await call("AbortMultipartUpload", (client) =>
              client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
            ));
          yield {
            key: Key.slice(root.length),
            sizeBytes: 0,
            modifiedMs: Initiated?.getTime() ?? Date.now(),
            remove,
          };
        }
        more = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
      }
    },
    async *folders(prefixOfKeys) {
      for await (const page of pages(prefixOfKeys, { Delimiter: "/" })) {
        for (const { Prefix = "" } of page.CommonPrefixes ?? [])
          yield Prefix.slice(root.length + prefixOfKeys.length, -1);
      }
    },
    async delete(key) {
      await call("DeleteObject", (client) => client.send(new DeleteObjectCommand(at(key))));
    },
  };
}

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

/** A server that takes a connection and then says nothing would otherwise be waited for without end. */
const SILENCE_MS = 30_000;
const CONNECT_MS = 5_000;

/**
 * Endpoints that are not AWS's rarely serve a host name per bucket. Bytes are checked against digests after every read, so the SDK's own
 * checksum of a response is left off: it would tell damage as a failed download, which is tried again for ever. A file of credentials
 * is read anew by each client (`ignoreCache`), or a renewed one would never be seen.
 */
function defaultClient(): S3Client {
  const endpoint = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
  const chain = { ignoreCache: true };
  return new S3Client({
    forcePathStyle: endpoint !== undefined && !endpoint.includes("amazonaws.com"),
    maxAttempts: 5,
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    ...chain,
  });
}

/** `s3://bucket/prefix/of/keys`. Undefined where the text names no bucket. */
export function parseS3Name(name: string): S3Location | undefined {
  const groups = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>.*?))?\/*$/.exec(
    name,
  )?.groups;
  return groups?.["bucket"] ? { bucket: groups["bucket"], prefix: groups["prefix"] ?? "" } : undefined;
}
