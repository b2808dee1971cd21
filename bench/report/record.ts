// Writes the record of a large campaign: everything that `ratchet report` reads has its real size and
// number of objects, and nothing else is there. Completions of the iterations are named and missing,
// because no report reads them. Objects are made in memory and written without syncing, because a campaign
// takes days for what this does.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest, LedgerEvent } from "../../campaign/types.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { lines, NOWHERE, writePlace } from "./place.ts";
import type { Size } from "./place.ts";

/** Returns the number of files. */
export async function writeRecord(folder: string, campaignId: string, size: Size): Promise<number> {
  let files = 0;
  const flush = async (store: Store): Promise<void> => {
    for await (const key of store.backend.list("")) {
      const path = join(folder, key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, (await store.backend.get(key))!);
      files += 1;
    }
  };
  const head = await openStore("memory:", { create: true });
  const spec = await writeSpec(head, size);
  const events: LedgerEvent[] = [
    { type: "created", specDigest: spec.digest, name: campaignId },
    { type: "opened", server: "here", namespace: "default", runId: "r" },
  ];
  for (let iteration = 0; iteration <= size.iterations; iteration += 1) {
    const store = await openStore("memory:", { create: true });
    events.push(
      await writePlace({ store, campaignId, place: { iteration, take: 1 }, size, test: spec.test }),
    );
    await flush(store);
  }
  events.push({ type: "completed", latest: NOWHERE, promoted: NOWHERE });
  for (const [n, event] of events.entries())
    await head.ledger(campaignId).append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event, by: "bench" });
  await flush(head);
  return files;
}

async function writeSpec(store: Store, size: Size): Promise<{ digest: Digest; test: Digest }> {
  const test = await store.putBlob(
    lines(size.test, (index) => ({
      id: `t${index}`,
      prompt: `question ${index} ${"about something ".repeat(8)}`,
    })),
  );
  const rows = { rows: test, count: size.test };
  const digest = await store.putJson({
    schema: "ratchet.spec/1",
    name: "large",
    seed: 1,
    iterations: size.iterations,
    baselines: [],
    bootstrap: { sft: { optimizer: { learningRate: 1e-3 } } },
    train: { optimizer: { learningRate: 1e-4 } },
    prompts: { iterations: rows, perIteration: size.prompts, validation: rows, test: rows },
    modules: { judge: { name: "judge" } },
    evaluate: { samples: 1, temperature: 1, resamples: 1000 },
  });
  return { digest, test };
}
