// Activities as the chaos worker sees them: each attempt's begin and end are told, and an attempt may be delivered twice.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Info } from "@temporalio/activity";
import { Worker } from "@temporalio/worker";
import type { ActivityInterceptorsFactory } from "@temporalio/worker";
import type { Answer, Attempt, Point } from "../points.ts";

const running = new AsyncLocalStorage<Attempt>();

/** The attempt in whose call this code runs; undefined outside of activities. */
export const currentAttempt = (): Attempt | undefined => running.getStore();

export function watchActivities(ask: (point: Point) => Promise<Answer>): void {
  const create = Worker.create.bind(Worker);
  const watch = interceptor(ask); // innermost: an attempt begins where the product's own surroundings of it stand
  Worker.create = (options) =>
    create({
      ...options,
      interceptors: { ...options.interceptors, activity: [...(options.interceptors?.activity ?? []), watch] },
    });
}

const interceptor =
  (ask: (point: Point) => Promise<Answer>): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const attempt = attemptOf(info, input.args);
        const run = async (): Promise<unknown> => {
          try {
            const result = await running.run(attempt, () => next(input));
            await ask({ what: "end", attempt });
            return result;
          } catch (error) {
            await ask({ what: "end", attempt, failure: (error as { type?: string }).type ?? String(error) });
            throw error;
          }
        };
        const { type } = await ask({ what: "begin", attempt });
        if (type !== "twice") return run();
        const [first] = await Promise.allSettled([run(), run()]);
        if (first.status === "rejected") throw first.reason;
        return first.value;
      },
    },
  });

/** One activity trains in all three stages that train: its input says which. */
function attemptOf(
  { workflowExecution, activityId, activityType, attempt }: Info,
  [input]: unknown[],
): Attempt {
  const { stage, from, opponent } = input as { stage?: string; from?: string; opponent?: string };
  return {
    workflowId: workflowExecution?.workflowId ?? "",
    runId: workflowExecution?.runId ?? "",
    activityId,
    stage: activityType === "seal" || stage === undefined ? activityType : stage,
    attempt,
    callsModule:
      activityType === "promote" ||
      from === "rater" ||
      (activityType === "evaluate" && opponent !== undefined),
  };
}
