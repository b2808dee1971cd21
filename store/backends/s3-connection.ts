// One bucket with a prefix, and the client that talks to it. Credentials, region and endpoint come from the
// AWS chain and the environment only, never from a spec.
import { S3Client } from "@aws-sdk/client-s3";
import { isStaleIdentity, translated } from "./s3-errors.ts";
import type { Call } from "./s3-errors.ts";

export interface S3Location {
  bucket: string;
  /** Without slashes at either end; may be empty. */
  prefix: string;
}

export class S3Connection {
  readonly name: string;
  readonly bucket: string;
  /** Begins the name of every object. */
  readonly root: string;
  private readonly makeClient: () => S3Client;
  private client: S3Client | undefined;

  constructor({ bucket, prefix }: S3Location, makeClient: () => S3Client = defaultClient) {
    this.name = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.bucket = bucket;
    this.root = prefix === "" ? "" : `${prefix}/`;
    this.makeClient = makeClient;
  }

  /** The object of a key, as the SDK's commands name it. */
  object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: `${this.root}${key}` };
  }

  /**
   * Every request is made here. If the server refuses who asks, the request is made once more by a new
   * client, which reads the AWS chain again: credentials that were renewed while a campaign runs need no
   * restart.
   */
  async call<T>(what: Call, work: (client: S3Client) => Promise<T>): Promise<T> {
    const client = (this.client ??= this.makeClient());
    try {
      return await work(client);
    } catch (cause) {
      if (!isStaleIdentity(cause)) throw translated(cause, this.name, what);
      if (this.client === client) this.client = this.makeClient();
      return await work(this.client ?? this.makeClient()).catch((again: unknown) => {
        throw translated(again, this.name, what);
      });
    }
  }
}

/** A server that accepts a connection and then stays silent is given up after this time. */
const SILENCE_MS = 30_000;
const CONNECT_MS = 5_000;

/**
 * - Path style, because other endpoints than AWS's rarely have a host name per bucket.
 * - No checksum of responses: every read is checked against its digest, and the SDK would report damage as a
 *   failed download, which is retried without end.
 * - `ignoreCache`: each client reads a file of credentials again. A cached one would never be seen to change.
 */
function defaultClient(): S3Client {
  const endpoint = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
  const chain = { ignoreCache: true };
  return withoutSupportNotice(
    () =>
      new S3Client({
        forcePathStyle: endpoint !== undefined && !endpoint.includes("amazonaws.com"),
        maxAttempts: 5,
        responseChecksumValidation: "WHEN_REQUIRED",
        requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
        ...chain,
      }),
  );
}

const NOTICE_OFF = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

/**
 * The SDK warns about Node 20 when it makes its first client, before every command. Its version is pinned
 * here, so the warning is for us. The SDK's own switch is set for this call only: child processes and
 * other clients of an embedding program keep their environment, and every other warning is printed.
 */
function withoutSupportNotice<T>(make: () => T): T {
  const before = process.env[NOTICE_OFF];
  process.env[NOTICE_OFF] = "true";
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env[NOTICE_OFF];
    else process.env[NOTICE_OFF] = before;
  }
}
