import assert from "node:assert/strict";
import { it } from "node:test";
import type { StageModule } from "../campaign/spec/modules.ts";
import type { Place, StageName } from "../campaign/types.ts";
import type { StageContext } from "./attempt/context.ts";
import { callModule } from "./modules.ts";
import { STAGE_VERSION } from "./versions.ts";

const BLOB = { digest: "0".repeat(64), timeoutMs: 1 };
const STAGES = Object.keys(STAGE_VERSION) as StageName[];
const ITERATION: Place = { iteration: 2, take: 1 };
const BOOTSTRAP: Place = { iteration: 0, take: 1 };
const PLACES: Place[] = [ITERATION, BOOTSTRAP, { baseline: "offline", take: 1 }];

/** A stage in which every module answers, so that only the rule can refuse. */
function stage(
  name: StageName,
  { place = ITERATION, of }: { place?: Place; of?: string } = {},
): StageContext {
  const deps = { modules: { call: async () => ["called"] } };
  const modules = { bootstrapLabelers: BLOB, labelers: BLOB, reward: BLOB, judge: BLOB, gold: BLOB };
  return {
    deps,
    input: { stage: name, place, of },
    place: "it",
    spec: { modules },
    signal: new AbortController().signal,
    allowSilence: () => undefined,
  } as unknown as StageContext;
}

const allowed = async (context: StageContext, role: StageModule): Promise<boolean> => {
  try {
    return (await callModule<unknown, string>(context, role, []))[0] === "called";
  } catch (error) {
    assert.equal((error as { code?: string }).code, "role_forbidden");
    return false;
  }
};

it("lets only the comparisons of the test split read the true reward", async () => {
  for (const name of STAGES) {
    for (const place of PLACES) {
      for (const of of ["validation", undefined])
        assert.equal(await allowed(stage(name, { place, of }), "gold"), false, `${name} may not`);
      if (name !== "judge")
        assert.equal(await allowed(stage(name, { place, of: "test" }), "gold"), false, `${name} may not`);
    }
  }
  assert.equal(await allowed(stage("judge", { of: "test" }), "gold"), true);
});

it("lets the labeler label only the bootstrap's pairs", async () => {
  assert.equal(await allowed(stage("label", { place: BOOTSTRAP }), "bootstrapLabelers"), true);
  assert.equal(await allowed(stage("label", { place: BOOTSTRAP }), "labelers"), false);
  assert.equal(await allowed(stage("label"), "labelers"), true);
  for (const name of STAGES) assert.equal(await allowed(stage(name), "bootstrapLabelers"), false, name);
});

it("keeps the judge from every stage that pairs depend on", async () => {
  for (const name of STAGES.filter((each) => each !== "judge"))
    assert.equal(await allowed(stage(name), "judge"), false, name);
  assert.equal(await allowed(stage("judge"), "judge"), true);
});
