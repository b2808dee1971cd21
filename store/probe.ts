// Tries whether a store can hold a ledger: of several writers of one new key exactly one must win; the object
// must be readable, be listed, and be gone after a delete. So every call of a campaign is made once, and a
// missing permission is found before the first stage.
import { randomUUID } from "node:crypto";
import { RatchetError } from "../errors/index.ts";
import { PROBES_PREFIX } from "./layout.ts";
import type { Backend } from "./types.ts";

/** Throws store_unsupported if a trial fails, or the backend's own error (store_denied, bucket_missing …). */
export async function probeStore(backend: Backend, racers: number): Promise<void> {
  const key = `${PROBES_PREFIX}${randomUUID()}.json`;
  try {
    await tryCreates(backend, key, racers);
  } catch (error) {
    // An error of the delete would hide the cause. Nothing reads a probe that is left.
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
    throw unsupported(backend, "the object does not hold what the winner wrote");
  for await (const found of backend.list(key)) if (found === key) return;
  throw unsupported(backend, "a key that was just created is not listed");
}

const unsupported = ({ name }: Backend, found: string): RatchetError =>
  new RatchetError("store_unsupported", `${name} cannot hold a ledger: ${found}`, {
    hint: "a conditional create must let exactly one writer win (S3: PutObject with If-None-Match)",
  });
