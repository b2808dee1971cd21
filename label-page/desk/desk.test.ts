// What one question costs the store.
import assert from "node:assert/strict";
import { it } from "node:test";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { Giver } from "../../labels/give.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import { countingBackend, totalOf } from "../../test/support/counting-backend.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire } from "../../test/support/questionnaire.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { Desk } from "./desk.ts";

const QUESTIONS = 20;
/** A look at the store that is due every ten seconds may fall into a slow run. */
const LOOKS = 30;

/** Calls for 20 questions and their labels, when the questionnaire has been read. */
async function callsFor(count: number, labeled: number): Promise<number> {
  const { backend, calls } = countingBackend(memoryBackend());
  const store = await storeOn(backend);
  await recordCampaign(store, "done", "running");
  const asked = await recordQuestionnaire(store, "done", { count });
  const giver = new Giver(store, asked, NOTHING_DECIDED, { skipOlder: false });
  await giver.listAll();
  for (let comparison = 0; comparison < labeled; comparison += 1) await giver.give(given(comparison, "ben"));
  const source = await new RatchetClient(store).labelSource("done");
  const desk = new Desk(source, ["ada", "ben"], Buffer.alloc(32));
  assert.equal((await desk.next("ada", []))?.progress.given, labeled);
  const before = totalOf(calls);
  for (let questions = 0; questions < QUESTIONS; questions += 1) {
    const question = await desk.next("ada", []);
    assert.ok(question);
    await desk.give("ada", { ticket: question.ticket, choice: "left", seconds: 1 });
  }
  return totalOf(calls) - before;
}

it("a question and its label need as few calls of a large questionnaire as of a small one", async () => {
  const small = await callsFor(40, 10);
  const large = await callsFor(2_000, 1_500);
  assert.ok(small <= QUESTIONS * 14 + LOOKS, `${small} calls for ${QUESTIONS} questions`);
  assert.ok(large <= small + LOOKS, `${large} calls of 2,000 comparisons, ${small} of 40`);
});
