// Uploads and downloads of large files, a few parts at a time, each through a buffer of its own. So the
// memory is that of a few parts for any size of file. The SDK's own `Upload` needs about twice as much,
// because it copies each part out of a stream and keeps others waiting.
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { fileDigest, GrowingDigest } from "../file-digest.ts";
import type { Digest } from "../types.ts";
import type { Download } from "./s3-download.ts";

export const PART_BYTES = 16 * 1024 ** 2;
const AT_ONCE = 4;
/** S3's own limit. */
const PARTS_MAX = 10_000;

interface ObjectName {
  Bucket: string;
  Key: string;
}

export async function uploadInParts(
  client: S3Client,
  name: ObjectName,
  path: string,
  sizeBytes: number,
): Promise<void> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...name, ChecksumAlgorithm: "CRC32" }),
  );
  const upload = { ...name, UploadId };
  try {
    const Parts = await sendParts(client, upload, path, sizeBytes);
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (cause) {
    // An upload that cannot be aborted now is left to `prune`.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw cause;
  }
}

async function sendParts(
  client: S3Client,
  upload: ObjectName & { UploadId: string | undefined },
  path: string,
  sizeBytes: number,
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  const file = await open(path);
  try {
    await inParts(
      sizeBytes,
      Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX)),
      async ({ index, from, to }, buffer) => {
        const Body = await readAt(file, path, buffer.subarray(0, to - from), from);
        const PartNumber = index + 1;
        const { ETag, ChecksumCRC32 } = await client.send(
          unsigned(new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: "CRC32" })),
        );
        parts[index] = { PartNumber, ETag, ChecksumCRC32 };
      },
    );
    return parts;
  } finally {
    await file.close();
  }
}

/**
 * Signs the part's checksum instead of its bytes: a second digest of all bytes would cost time, and the blob
 * has one already.
 */
function unsigned(command: UploadPartCommand): UploadPartCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["x-amz-content-sha256"] =
        "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build" },
  );
  return command;
}

async function readAt(file: FileHandle, path: string, into: Buffer, position: number): Promise<Buffer> {
  const { bytesRead } = await file.read(into, 0, into.length, position);
  if (bytesRead < into.length) throw new Error(`${path} became shorter while it was read`);
  return into;
}

/**
 * Writes the file, over an older one, and returns its SHA-256. Hashes complete parts while later ones still
 * arrive.
 */
export async function downloadInParts({ sizeBytes, between }: Download, path: string): Promise<Digest> {
  const file = await open(path, "w");
  const digest = sizeBytes > PART_BYTES ? new GrowingDigest(path) : undefined;
  const written = new Set<number>();
  let whole = 0;
  try {
    await inParts(sizeBytes, PART_BYTES, async ({ index, from, to }, buffer) => {
      await file.write(await received(between(from, to), buffer), 0, to - from, from);
      written.add(index);
      while (written.delete(whole)) whole += 1;
      digest?.upTo(Math.min(sizeBytes, whole * PART_BYTES));
    });
    return await (digest ? digest.end() : fileDigest(path));
  } finally {
    await Promise.all([file.close(), digest?.giveUp()]);
  }
}

async function received(chunks: AsyncIterable<Uint8Array>, buffer: Buffer): Promise<Buffer> {
  let length = 0;
  for await (const chunk of chunks) {
    buffer.set(chunk, length);
    length += chunk.byteLength;
  }
  return buffer.subarray(0, length);
}

interface Part {
  index: number;
  from: number;
  to: number;
}

/**
 * Begins parts in order, AT_ONCE at a time. After a failure no other part begins; it is thrown when all have
 * stopped.
 */
async function inParts(
  sizeBytes: number,
  partBytes: number,
  work: (part: Part, buffer: Buffer) => Promise<void>,
): Promise<void> {
  const count = Math.ceil(sizeBytes / partBytes);
  let begun = 0;
  const worker = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(Math.min(partBytes, sizeBytes));
    while (begun < count) {
      const index = begun++;
      const from = index * partBytes;
      await work({ index, from, to: Math.min(sizeBytes, from + partBytes) }, buffer).catch(
        (error: unknown) => {
          begun = count;
          throw error;
        },
      );
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure) throw failure.reason;
}
