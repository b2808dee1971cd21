// `.ratchet` holds the prompts and answers of campaigns and Temporal's database: only its user may enter it.
import { chmodSync, mkdirSync } from "node:fs";

const PRIVATE = 0o700;

/** Also closes a folder that an earlier version or another command left open. */
export function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE });
  try {
    chmodSync(folder, PRIVATE);
  } catch (error) {
    // Another user's folder, which that user has opened to this one.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}
