// The name of the session's cookie. Browsers share cookies between the ports of a host, so each campaign has
// a name of its own.
import { createHash } from "node:crypto";

export const cookieName = (campaignId: string): string =>
  `ratchet-label-${createHash("sha256").update(campaignId).digest("hex").slice(0, 12)}`;
