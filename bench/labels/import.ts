// Many labels at once, from a file into a directory.
import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { dirBackend } from "../../store/backends/dir.ts";
import { storeOn } from "../../store/index.ts";
import { countingBackend } from "../../test/support/counting-backend.ts";
import type { Calls } from "../../test/support/counting-backend.ts";
import { recordQuestionnaire } from "../../test/support/questionnaire.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { memoryOf } from "./measure.ts";

export async function importUnderLoad(labels: number, say: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ratchet-label-load-"));
  try {
    const { backend, calls } = countingBackend(dirBackend(join(folder, "store")));
    const store = await storeOn(backend, { create: true });
    await recordCampaign(store, "done", "running");
    const { digest } = await recordQuestionnaire(store, "done", { count: labels });
    const path = join(folder, "labels.jsonl");
    await pipeline(Readable.from(linesOf(digest, labels)), createWriteStream(path));
    const client = new RatchetClient(store);
    for (const outcome of ["open", "same"] as const) {
      const [before, startedAt, memory] = [{ ...calls }, performance.now(), memoryOf("self")];
      const { outcomes } = await client.importLabels("done", { file: "labels", path, format: "ratchet" });
      assert.deepEqual(outcomes, { [outcome]: labels }, "each label is stored once");
      const seconds = (performance.now() - startedAt) / 1000;
      const what = outcome === "open" ? "import" : "the same import again";
      say(`${what}: ${labels} labels in ${Math.round(seconds)} s`);
      say(`  calls of the store a label: ${perLabel(calls, before, labels)}`);
      say(`  memory: ${memory.now} MB before, at most ${memoryOf("self").peak} MB`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function* linesOf(questionnaire: string, labels: number): Generator<string> {
  for (let comparison = 0; comparison < labels; comparison += 1)
    yield `${JSON.stringify({ questionnaire, comparison, labeler: "ada", choice: "first" })}\n`;
}

function perLabel(calls: Calls, before: Calls, labels: number): string {
  const names = Object.keys(calls) as (keyof Calls)[];
  return names
    .map((name) => ({ name, count: (calls[name] ?? 0) - (before[name] ?? 0) }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `${name} ${(count / labels).toFixed(3)}`)
    .join(", ");
}
