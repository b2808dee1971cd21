// The child workflows of a campaign run, one per place, under ids that follow from campaign and place.
import { log, ParentClosePolicy, sleep, startChild } from "@temporalio/workflow";
import type { ChildWorkflowHandle, Workflow } from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { placeName, placeWorkflowId } from "../campaign/ids.ts";
import type { PlaceInput } from "../campaign/types.ts";
import { setPaused } from "./stages.ts";

export class Children {
  private readonly running = new Map<string, ChildWorkflowHandle<Workflow>>();

  /**
   * Runs the workflow of the input's place to its end. `isPaused` is asked once the child exists: no signal
   * of before can have reached it.
   */
  async run<W extends Workflow>(
    type: string,
    input: PlaceInput & Parameters<W>[0],
    isPaused: () => boolean,
  ): Promise<Awaited<ReturnType<W>>> {
    const name = placeName(input.place);
    const handle = await start(type, name, input);
    this.running.set(name, handle);
    try {
      if (isPaused()) await handle.signal(setPaused, true);
      return (await handle.result()) as Awaited<ReturnType<W>>;
    } finally {
      this.running.delete(name);
    }
  }

  async setPaused(paused: boolean, at?: "shard"): Promise<void> {
    await Promise.all(
      [...this.running.values()].map((child) =>
        child
          .signal(setPaused, paused, ...(at ? [at] : []))
          .catch(() => log.info("the child has ended already")),
      ),
    );
  }
}

/** A child of a terminated run was asked to cancel and may still be closing: wait for its end. */
async function start(type: string, name: string, input: PlaceInput): Promise<ChildWorkflowHandle<Workflow>> {
  const { campaignId } = input.campaign;
  for (;;) {
    try {
      return await startChild(type, {
        workflowId: placeWorkflowId(campaignId, input.place),
        args: [input],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${campaignId} ${name}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      log.warn(`${name} of an earlier run is still closing; trying again in 2 s`);
      await sleep("2s");
    }
  }
}
