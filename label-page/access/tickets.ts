// A ticket names a comparison to the server alone, and shows that the server has asked the labeler for it. It
// is encrypted with AES-256-GCM. Its nonce is an HMAC of the text, so the same question has the same ticket,
// and two texts never share a nonce but by a chance of about n² / 2^97.
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Digest } from "../../campaign/types.ts";

export interface Asked {
  questionnaire: Digest;
  comparison: number;
  labeler: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function sealTicket(key: Buffer, { questionnaire, comparison, labeler }: Asked): string {
  const text = JSON.stringify([questionnaire, comparison, labeler]);
  const nonce = createHmac("sha256", key).update(text).digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
}

/** Undefined if this server did not seal it for this labeler. */
export function openTicket(key: Buffer, ticket: string, labeler: string): Asked | undefined {
  const bytes = Buffer.from(ticket, "base64url");
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  let text: string;
  try {
    text =
      decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
  const [questionnaire, comparison, owner] = JSON.parse(text) as [Digest, number, string];
  return owner === labeler ? { questionnaire, comparison, labeler } : undefined;
}
