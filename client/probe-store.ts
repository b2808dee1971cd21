// Whether a store keeps what a ledger needs: many writers of one new key, one winner; what was written is read back; a delete deletes.
import { randomUUID } from "node:crypto";
import type { Backend } from "../store/types.ts";

const RACERS = 16;

export interface StoreProbe {
  ok: boolean;
  /** One line. */
  found: string;
}

export async function probeStore(backend: Backend): Promise<StoreProbe> {
  const key = `probes/${randomUUID()}.json`;
  const texts = Array.from({ length: RACERS }, (_, racer) => JSON.stringify({ racer }));
  try {
    const outcomes = await Promise.all(texts.map((text) => backend.putIfAbsent(key, new TextEncoder().encode(text))));
    const winners = outcomes.flatMap((outcome, racer) => (outcome === "created" ? [racer] : []));
    if (winners.length !== 1) return { ok: false, found: `${winners.length} of ${RACERS} racing creates won: a ledger is not safe here` };
    const kept = new TextDecoder().decode(await backend.get(key));
    if (kept !== texts[winners[0] ?? -1]) return { ok: false, found: "what the winner wrote is not what is kept" };
  } finally {
    await backend.delete(key);
  }
  const left = await backend.get(key);
  return left ? { ok: false, found: "a deleted object is still there" } : { ok: true, found: `one of ${RACERS} racing creates won; read back and deleted` };
}
