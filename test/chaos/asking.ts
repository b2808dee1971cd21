// What a chaos process does with the driver's answer to a point, before the layer that asked gets it.
import { call } from "./line.ts";
import { ENV } from "./points.ts";
import type { Answer, Point } from "./points.ts";
import { currentAttempt } from "./layers/attempt.ts";
import { jump } from "./layers/clock.ts";

export async function asking(): Promise<(point: Point) => Promise<Answer>> {
  const line = await call(Number(process.env[ENV.line]));
  return async (point) => {
    const answer = await line(point);
    if (answer.type === "jump") {
      jump(answer.ms);
      const attempt = "attempt" in point ? point.attempt : currentAttempt();
      await line({ what: "done", fault: "clock-jump", attempt });
    }
    return answer;
  };
}
