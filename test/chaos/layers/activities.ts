// An interceptor around every activity of the chaos worker: reports the begin and end of each attempt, and
// may run it twice.
import type { Info } from "@temporalio/activity";
import { Worker } from "@temporalio/worker";
import type { ActivityInterceptorsFactory } from "@temporalio/worker";
import type { Answer, Attempt, Point } from "../points.ts";
import { runAs } from "./attempt.ts";

export function watchActivities(ask: (point: Point) => Promise<Answer>): void {
  const create = Worker.create.bind(Worker);
  const watch = interceptor(ask); // innermost, after the product's own interceptors
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
            const result = await runAs(attempt, () => next(input));
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

/** One activity serves the three training stages: its input names the stage. */
export function stageOf(activityType: string, input: unknown): string {
  const { stage } = input as { stage?: string };
  return activityType === "seal" || stage === undefined ? activityType : stage;
}

function attemptOf(
  { workflowExecution, activityId, activityType, attempt }: Info,
  [input]: unknown[],
): Attempt {
  return {
    workflowId: workflowExecution?.workflowId ?? "",
    runId: workflowExecution?.runId ?? "",
    activityId,
    stage: stageOf(activityType, input),
    type: activityType,
    attempt,
    callsModule: activityType === "judge" || activityType === "label",
  };
}
