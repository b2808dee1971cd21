// When a campaign counts as ended, without a campaign.
import assert from "node:assert/strict";
import { it, mock } from "node:test";
import type { CampaignStatus } from "../../campaign/types.ts";
import { untilEnded } from "./end.ts";

type Moment = [running: boolean, recorded: CampaignStatus | "damaged" | undefined];

/** By a clock of the test: a busy machine may take longer. */
const BETWEEN_POLLS_MS = 20;
mock.timers.enable({ apis: ["Date"] });

/** One moment per poll; the last one stays. */
async function endOf(moments: Moment[]): Promise<{ status: CampaignStatus | undefined; polls: number }> {
  let polls = 0;
  const now = (): Moment => moments[Math.min(polls, moments.length) - 1] as Moment;
  const status = await untilEnded(
    {
      running: async () => {
        polls += 1;
        mock.timers.tick(BETWEEN_POLLS_MS);
        return now()[0];
      },
      recorded: async () => now()[1],
    },
    { timeoutMs: 2_000, lostAfterMs: 50, pollMs: 1 },
  );
  return { status, polls };
}

it("a last row is not the end while the server runs the campaign: a power failure may take it", async () => {
  const { status, polls } = await endOf([
    [true, "running"],
    [true, "completed"], // read before it was synced
    [true, undefined],
    [true, "running"],
    [true, "completed"],
    [false, "completed"],
  ]);
  assert.deepEqual([status, polls], ["completed", 6]);
});

it("a run that ended before its last row can be read is not lost at once", async () => {
  assert.equal(
    (
      await endOf([
        [false, undefined],
        [false, "running"],
        [false, "failed"],
      ])
    ).status,
    "failed",
  );
});

it("a campaign that no server runs and whose ledger stays open is lost", async () => {
  assert.equal(
    (
      await endOf([
        [true, "running"],
        [false, "running"],
      ])
    ).status,
    undefined,
  );
});

it("a damaged ledger is lost, even while a server runs the campaign", async () => {
  assert.equal((await endOf([[true, "damaged"]])).status, undefined);
});
