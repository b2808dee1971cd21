// What an S3 server's refusals mean, told apart once: by the error's name where the answer has a body, by its status where it has none (HEAD).
import { RatchetError, isDiskFull } from "../../errors/index.ts";

/** The call as IAM or the documentation of S3 names it. */
export type Call =
  | "GetObject"
  | "HeadObject"
  | "PutObject"
  | "PutObject with If-None-Match"
  | "ListBucket"
  | "DeleteObject"
  | "ListBucketMultipartUploads"
  | "AbortMultipartUpload";

/** Permission that a call needs, where it has another name. */
const PERMISSION: Partial<Record<Call, string>> = {
  HeadObject: "s3:GetObject",
  "PutObject with If-None-Match": "s3:PutObject",
};

const CREDENTIALS = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "TokenRefreshRequired",
  "InvalidToken",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "SignatureDoesNotMatch",
]);
const REGION = new Set([
  "AuthorizationHeaderMalformed",
  "PermanentRedirect",
  "IllegalLocationConstraintException",
]);

const nameOf = (cause: unknown): string => (cause as { name?: string } | undefined)?.name ?? "";
const statusOf = (cause: unknown): number | undefined =>
  (cause as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
const isDenied = (cause: unknown): boolean => statusOf(cause) === 403 || statusOf(cause) === 401;

export const isMissingKey = (cause: unknown): boolean => nameOf(cause) === "NoSuchKey";
/** Only for HEAD, whose answer has no body: elsewhere a 404 without S3's own word for it comes from a server that is none. */
export const isNotFound = (cause: unknown): boolean =>
  nameOf(cause) === "NotFound" && statusOf(cause) === 404;

/** 412 to a request with If-Match, also once it is translated: somebody wrote the object since its first bytes were read. */
export const isReplaced = (cause: unknown): boolean =>
  statusOf(cause instanceof RatchetError ? cause.cause : cause) === 412;

/** Nothing was written, and a read of the key would be refused as well. */
export const isPermanent = (cause: unknown): boolean =>
  nameOf(cause) === "NoSuchBucket" ||
  CREDENTIALS.has(nameOf(cause)) ||
  REGION.has(nameOf(cause)) ||
  isDenied(cause) ||
  statusOf(cause) === 501;

/** Refused for who asked; a HEAD does not say why. */
export const isStaleIdentity = (cause: unknown): boolean =>
  CREDENTIALS.has(nameOf(cause)) ||
  ((nameOf(cause) === "" || /^(\d+|Unknown|UnknownError|BadRequest|Forbidden)$/.test(nameOf(cause))) &&
    (isDenied(cause) || statusOf(cause) === 400));

export function translated(cause: unknown, store: string, call: Call): Error {
  // Settled, or told apart, further in.
  if (cause instanceof RatchetError) return cause;
  const what = nameOf(cause);
  const { message } = cause as Error;
  if (isDiskFull(cause))
    return new RatchetError("disk_full", `no space left for what is read from ${store}`, {
      hint: "free space on this machine; the campaign goes on by itself",
      cause,
    });
  if (what === "NoSuchBucket")
    return new RatchetError("bucket_missing", `the bucket of ${store} does not exist`, {
      hint: "create it, or check the name and AWS_ENDPOINT_URL",
      cause,
    });
  if (CREDENTIALS.has(what))
    return new RatchetError("store_denied", `${store} has no valid credentials: ${what}: ${message}`, {
      hint: "renew them where the AWS chain finds them (profile, web identity, instance role): they are read again at the next try; those of the environment need a restart",
      cause,
    });
  if (REGION.has(what))
    return new RatchetError(
      "region_wrong",
      `${store} is in another region than the one that is asked: ${message}`,
      { hint: "set AWS_REGION to the bucket's region", cause },
    );
  if (message === "Region is missing")
    return new RatchetError("region_wrong", `no region is set for ${store}`, {
      hint: "set AWS_REGION",
      cause,
    });
  if (isDenied(cause))
    return new RatchetError("store_denied", `${store} refused ${call}: ${what} ${message}`, {
      hint: `needed on this prefix: ${PERMISSION[call] ?? `s3:${call}`} (docs/store.md lists all)`,
      cause,
    });
  if (statusOf(cause) === 501)
    return new RatchetError("store_unsupported", `${store} does not know ${call}`, {
      hint: "campaigns need a store with conditional writes: `ratchet doctor`",
      cause,
    });
  return new RatchetError("store_unreachable", `${store} did not answer ${call}: ${what} ${message}`, {
    hint: "check AWS_ENDPOINT_URL, AWS_REGION and the network; the campaign waits and goes on by itself",
    cause,
  });
}
