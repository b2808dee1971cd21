// The meaning of an S3 server's errors: by name if the answer has a body, by status if it has none (HEAD).
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

/** The permission of each call that is not named after its permission. */
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
/**
 * For HEAD only, whose answer has no body. A 404 to another call, without S3's name for it, is not from an S3
 * server.
 */
export const isNotFound = (cause: unknown): boolean =>
  nameOf(cause) === "NotFound" && statusOf(cause) === 404;

/**
 * 412 to a request with If-Match, translated or not: somebody wrote the object since its first bytes were
 * read.
 */
export const isReplaced = (cause: unknown): boolean =>
  statusOf(cause instanceof RatchetError ? cause.cause : cause) === 412;

/** A refusal to write that needs no second look: nothing was written, and a read would be refused too. */
export const isPermanent = (cause: unknown): boolean =>
  nameOf(cause) === "NoSuchBucket" ||
  CREDENTIALS.has(nameOf(cause)) ||
  REGION.has(nameOf(cause)) ||
  isDenied(cause) ||
  statusOf(cause) === 501;

const hasNoReason = (cause: unknown): boolean =>
  nameOf(cause) === "" || /^(\d+|Unknown|UnknownError|BadRequest|Forbidden)$/.test(nameOf(cause));

/** A refusal without a body, as of HEAD: a GET of the same key is refused with the reason. */
export const isUnexplained = (cause: unknown): boolean =>
  hasNoReason(cause) && [301, 400, 401, 403].includes(statusOf(cause) ?? 0);

/** The credentials were refused, or the server did not say why. */
export const isStaleIdentity = (cause: unknown): boolean =>
  CREDENTIALS.has(nameOf(cause)) || (hasNoReason(cause) && (isDenied(cause) || statusOf(cause) === 400));

// oxlint-disable-next-line max-lines-per-function -- one table: S3's errors and their codes, first match
export function translated(cause: unknown, store: string, call: Call): Error {
  if (cause instanceof RatchetError) return cause;
  const what = nameOf(cause);
  const { message } = cause as Error;
  if (isDiskFull(cause))
    return new RatchetError("disk_full", `no space left for a download from ${store}`, {
      hint: "free space on this machine; the campaign resumes by itself",
      cause,
    });
  if (what === "NoSuchBucket")
    return new RatchetError("bucket_missing", `the bucket of ${store} does not exist`, {
      hint: "create it, or check the name and AWS_ENDPOINT_URL",
      cause,
    });
  if (CREDENTIALS.has(what))
    return new RatchetError("store_denied", `${store} has no valid credentials: ${what}: ${message}`, {
      hint:
        "renew them where the AWS chain finds them (profile, web identity, instance role): the next try " +
        "reads them again; after a change of the environment restart the worker",
      cause,
    });
  if (REGION.has(what))
    return new RatchetError("region_wrong", `${store} is not in the region of the request: ${message}`, {
      hint: "set AWS_REGION to the bucket's region",
      cause,
    });
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
    hint: "check AWS_ENDPOINT_URL, AWS_REGION and the network; the campaign waits and resumes by itself",
    cause,
  });
}
