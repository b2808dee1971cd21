// Everything that a bucket lists: objects, folders, and uploads that were never completed. Page by page.
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from "@aws-sdk/client-s3";
import type {
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  ListObjectsV2CommandOutput,
} from "@aws-sdk/client-s3";
import type { Entry, Leftover } from "../types.ts";
import type { S3Connection } from "./s3-connection.ts";

async function* pages(
  connection: S3Connection,
  prefix: string,
  more: { StartAfter?: string; Delimiter?: string },
): AsyncGenerator<ListObjectsV2CommandOutput> {
  const { bucket, root } = connection;
  let token: string | undefined;
  do {
    const input = { Bucket: bucket, Prefix: `${root}${prefix}`, ContinuationToken: token, ...more };
    const page: ListObjectsV2CommandOutput = await connection.call("ListBucket", (client) =>
      client.send(new ListObjectsV2Command(input)),
    );
    yield page;
    token = page.NextContinuationToken;
  } while (token);
}

/** Objects under a prefix, ascending by key; with `after`, only those behind that key. */
export async function* listEntries(
  connection: S3Connection,
  prefix: string,
  after?: string,
): AsyncGenerator<Entry> {
  const { root } = connection;
  const StartAfter = after === undefined ? undefined : `${root}${after}`;
  for await (const { Contents = [] } of pages(connection, prefix, { StartAfter }))
    for (const { Key, Size = 0, LastModified } of Contents)
      if (Key)
        yield { key: Key.slice(root.length), sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? 0 };
}

/** Names directly below a prefix that ends in `/`. */
export async function* listFolders(connection: S3Connection, prefix: string): AsyncGenerator<string> {
  for await (const { CommonPrefixes = [] } of pages(connection, prefix, { Delimiter: "/" }))
    for (const { Prefix = "" } of CommonPrefixes)
      yield Prefix.slice(connection.root.length + prefix.length, -1);
}

export async function* listUploads(connection: S3Connection): AsyncGenerator<Leftover> {
  const { bucket, root } = connection;
  type Markers = Pick<ListMultipartUploadsCommandInput, "KeyMarker" | "UploadIdMarker">;
  let markers: Markers | undefined = {};
  while (markers) {
    const input = { Bucket: bucket, Prefix: root, ...markers };
    const page: ListMultipartUploadsCommandOutput = await connection.call(
      "ListBucketMultipartUploads",
      (client) => client.send(new ListMultipartUploadsCommand(input)),
    );
    for (const { Key = "", UploadId, Initiated } of page.Uploads ?? [])
      yield {
        key: Key.slice(root.length),
        sizeBytes: 0,
        modifiedMs: Initiated?.getTime() ?? Date.now(),
        remove: async () => {
          await connection.call("AbortMultipartUpload", (client) =>
            client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
          );
        },
      };
    markers = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
      : undefined;
  }
}
