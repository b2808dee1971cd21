// Whether a store keeps what a ledger needs, tried out in small: many writers of one new key, one winner; what was written is read back
// and listed; a delete deletes. Every call that a campaign makes is made once, so a missing permission is named before the first stage.
import { randomUUID } from "node:crypto";
import { RatchetError } from "../errors/index.ts";
import { PROBES_PREFIX } from "./layout.ts";
import type { Backend } from "./types.ts";

/** Throws store_unsupported with what was found, or what the backend refused (store_denied, bucket_missing …). */
export async function probeStore(backend: Backend, racers: number): Promise<void> {
  const key = `${PROBES_PREFIX}${randomUUID()}.json`;
  try {
    await tryCreates(backend, key, racers);
  } catch (error) {
    // What the delete says would hide the cause; a probe that stays behind harms nobody.
    await backend.delete(key).catch(() => undefined);
    throw error;
  }
  await backend.delete(key);
  if (await backend.get(key)) throw unsupported(backend, "a deleted object is still there");
}

async function tryCreates(backend: Backend, key: string, racers: number): Promise<void> {
  const texts = Array.from({ length: racers }, (_, racer) => JSON.stringify({ racer }));
  const create = (text: string) => backend.putIfAbsent(key, new TextEncoder().encode(text));
  const outcomes = await Promise.all(texts.map(create));
  const winners = texts.filter((_, racer) => outcomes[racer] === "created");
  if (winners.length !== 1)
    throw unsupported(backend, `${winners.length} of ${racers} racing creates of one key won`);
  if ((await create("late")) !== "exists") throw unsupported(backend, "a key that exists was created again");
  if (new TextDecoder().decode(await backend.get(key)) !== winners[0])
    throw unsupported(backend, "what the winner wrote is not what is kept");
  for await (const found of backend.list(key)) if (found === key) return;
  throw unsupported(backend, "a key that was just created is not listed");
}

const unsupported = ({ name }: Backend, found: string): RatchetError =>
  new RatchetError("store_unsupported", `${name} cannot hold a ledger: ${found}`, {
    hint: "campaigns need a store whose conditional create lets one writer win (S3: PutObject with If-None-Match)",
  });
