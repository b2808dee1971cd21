// Workers of this process with a real store and ledger and scripted stages: the record is that of a campaign,
// its results are invented, and it costs almost nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StageActivities } from "../../activities/contract.ts";
import { createControlActivities } from "../../activities/index.ts";
import { placeName } from "../../campaign/ids.ts";
import type { EvaluateMetrics } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { serverIdentity } from "../../temporal/server-identity.ts";
import { withActivities } from "./campaign-worker.ts";
import { scriptedActivities } from "./scripted-activities.ts";
import type { Script } from "./scripted-activities.ts";
import { stubbedDeps } from "./stubbed-work.ts";
import type { TestNamespace } from "./temporal.ts";

export async function withLedgerWorker<T>(
  temporal: TestNamespace,
  store: Store,
  play: Script,
  test: () => Promise<T>,
): Promise<T> {
  const { connection, namespace } = temporal;
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-scripted-"));
  const server = await serverIdentity(connection, namespace);
  const { open, append, rollback, beginFiring } = createControlActivities({
    ...stubbedDeps(store, scratch),
    server,
    namespace,
  });
  const { control, stages } = scriptedActivities(play);
  // Whoever follows a campaign reads its metrics.
  const metrics: EvaluateMetrics = { prompts: 8, completions: 16, length: 4, truncated: 0, kl: 0 };
  const evaluate: StageActivities["evaluate"] = async (input) => ({
    ...(await stages.evaluate(input)),
    digest: await store.putJson({ place: placeName(input.place), split: input.split, metrics }),
  });
  try {
    return await withActivities(
      temporal,
      { control: { ...control, open, append, rollback, beginFiring }, stages: { ...stages, evaluate } },
      test,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
