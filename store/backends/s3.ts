// An S3 bucket as a backend. Credentials, region and endpoint come from the AWS chain and environment only. `If-None-Match: *` is the one
// conditional call; whatever does not clearly say "created" (412, 409, a lost answer) is settled by reading the key. (docs/store.md)
import { createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { ResourceError } from "../errors.ts";
import type { Backend } from "../types.ts";

/** Files from this size on go up in parts of this size, four at once: memory stays below five parts. */
const PART_BYTES = 16 * 1024 ** 2;

export interface S3Location {
  bucket: string;
  /** Without slashes at either end; may be empty. */
  prefix: string;
}

export function s3Backend({ bucket, prefix }: S3Location, client: S3Client = defaultClient()): Backend {
  const name = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  const root = prefix === "" ? "" : `${prefix}/`;
  const at = (key: string) => ({ Bucket: bucket, Key: `${root}${key}` });
  const translate = (cause: unknown): never => {
    throw translated(cause, name);
  };
  const unlessMissing = (cause: unknown): undefined => (isMissingKey(cause) ? undefined : translate(cause));

  async function get(key: string): Promise<Uint8Array | undefined> {
    const found = await client.send(new GetObjectCommand(at(key))).catch(unlessMissing);
    return found?.Body?.transformToByteArray().catch(translate);
  }

  /** Ours if the key holds our bytes: an earlier try of ours may have arrived although its answer did not. */
  async function settle(key: string, bytes: Uint8Array, cause: unknown): Promise<"created" | "exists"> {
    const stored = await get(key);
    if (!stored) return translate(cause);
    return Buffer.compare(stored, bytes) === 0 ? "created" : "exists";
  }

  return {
    name,
    get,
    async getFile(key, path) {
      const found = await client.send(new GetObjectCommand(at(key))).catch(unlessMissing);
      if (!found?.Body) return false;
      await pipeline(found.Body as Readable, createWriteStream(path)).catch(translate);
      return true;
    },
    async put(key, bytes) {
      await client.send(new PutObjectCommand({ ...at(key), Body: bytes, ChecksumAlgorithm: "CRC32" })).catch(translate);
    },
    async putFile(key, path) {
      const file = await open(path);
      try {
        const { size } = await stat(path);
        const Body = size < PART_BYTES ? await file.readFile() : file.createReadStream({ autoClose: false, highWaterMark: PART_BYTES });
        const params = { ...at(key), Body, ChecksumAlgorithm: "CRC32" as const };
        await new Upload({ client, params, partSize: PART_BYTES, queueSize: 4 }).done().catch(translate);
      } finally {
        await file.close();
      }
    },
    async putIfAbsent(key, bytes) {
      try {
        await client.send(new PutObjectCommand({ ...at(key), Body: bytes, IfNoneMatch: "*", ChecksumAlgorithm: "CRC32" }));
        return "created";
      } catch (error) {
        // A condition that was false is an answer only if nobody tried before us under this very call: the SDK's own retry may
        // have met its first try, so 412 is settled like every unknown outcome.
        if (isPermanent(error)) translate(error);
        return settle(key, bytes, error);
      }
    },
    async sizeBytes(key) {
      return (await client.send(new HeadObjectCommand(at(key))).catch(unlessMissing))?.ContentLength;
    },
    async *list(prefixOfKeys) {
      try {
        for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${root}${prefixOfKeys}` })) {
          for (const { Key } of page.Contents ?? []) if (Key) yield Key.slice(root.length);
        }
      } catch (error) {
        translate(error);
      }
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand(at(key))).catch(translate);
    },
  };
}

/**
 * Endpoints that are not AWS's rarely serve a host name per bucket. Bytes are checked against digests after every read, so the SDK's own
 * checksum of a response is left off: it would tell damage as a failed download, which is tried again for ever.
 */
function defaultClient(): S3Client {
  const endpoint = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
  return new S3Client({ forcePathStyle: endpoint !== undefined && !endpoint.includes("amazonaws.com"), maxAttempts: 5, responseChecksumValidation: "WHEN_REQUIRED" });
}

/** `s3://bucket/prefix/of/keys`. Undefined where the text names no bucket. */
export function parseS3Name(name: string): S3Location | undefined {
  const groups = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>.*?))?\/*$/.exec(name)?.groups;
  return groups?.["bucket"] ? { bucket: groups["bucket"], prefix: groups["prefix"] ?? "" } : undefined;
}

const nameOf = (cause: unknown): string => (cause as { name?: string } | undefined)?.name ?? "";
const statusOf = (cause: unknown): number | undefined => (cause as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;

const isMissingKey = (cause: unknown): boolean => nameOf(cause) === "NoSuchKey" || (nameOf(cause) === "NotFound" && statusOf(cause) === 404);
const isPermanent = (cause: unknown): boolean => nameOf(cause) === "NoSuchBucket" || statusOf(cause) === 403 || statusOf(cause) === 401 || statusOf(cause) === 501 || nameOf(cause) === "CredentialsProviderError";

const CREDENTIALS = new Set(["CredentialsProviderError", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidAccessKeyId", "SignatureDoesNotMatch"]);

function translated(cause: unknown, store: string): ResourceError {
  const what = nameOf(cause);
  const message = (cause as Error).message;
  if (what === "NoSuchBucket") return new ResourceError("bucket_missing", `the bucket of ${store} does not exist`, { hint: "create it, or check the name and AWS_ENDPOINT_URL", cause });
  if (CREDENTIALS.has(what)) return new ResourceError("store_denied", `${store} has no valid credentials: ${what}`, { hint: "renew them where the AWS chain finds them (environment, profile, instance role)", cause });
  if (statusOf(cause) === 403 || statusOf(cause) === 401) return new ResourceError("store_denied", `${store} refused: ${what} ${message}`, { hint: "needed: s3:GetObject, PutObject, DeleteObject and ListBucket on this prefix", cause });
  if (statusOf(cause) === 501) return new ResourceError("store_unsupported", `${store} does not know PutObject with If-None-Match`, { hint: "campaigns need a store with conditional writes: `ratchet doctor`", cause });
  return new ResourceError("store_unreachable", `${store} did not answer: ${what} ${message}`, { hint: "check AWS_ENDPOINT_URL, AWS_REGION and the network; the campaign waits and goes on by itself", cause });
}
