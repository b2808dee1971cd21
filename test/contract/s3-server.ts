// The real S3 server that the test driver started.
import { S3Client } from "@aws-sdk/client-s3";

export interface TestS3 {
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

const given = process.env["RATCHET_TEST_S3"];
export const s3 = given ? (JSON.parse(given) as TestS3) : undefined;
export const skip = s3 ? false : "RATCHET_TEST_S3 is not set: run through `npm test`, without --no-s3";

export function client({ endpoint, region, accessKeyId, secretAccessKey }: TestS3): () => S3Client {
  return () =>
    new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      responseChecksumValidation: "WHEN_REQUIRED",
      credentials: { accessKeyId, secretAccessKey },
    });
}
