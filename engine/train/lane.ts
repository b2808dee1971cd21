// What a further lane (lane-thread.ts) runs in its thread, where it has sessions of its own.
import { parentPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { Sessions } from "../graph/sessions.ts";
import { parametersOf } from "../model/parameters.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { GradientPass } from "./gradient-pass.ts";
import type { LaneAnswer, LaneRequest, LaneWork } from "./lane-thread.ts";
import { ParameterLayout } from "./parameter-layout.ts";
import { logpsOf } from "./reference-pass.ts";
import { failureOf } from "./thread-failure.ts";

const sessions = new Sessions();
const port = parentPort as MessagePort;
/** Of the training that began last. */
let training: { pass: GradientPass; fixed: LoadedWeights };

const works: {
  [Name in keyof LaneWork]: (args: LaneWork[Name]["args"]) => Promise<LaneWork[Name]["result"]>;
} = {
  async begin({ tables, ...settings }) {
    training = {
      pass: new GradientPass(sessions, settings, new ParameterLayout(parametersOf(settings.config))),
      fixed: toFeeds(tables),
    };
  },
  async gradients({ feeds, weights, gradients }) {
    const { pass, fixed } = training;
    return {
      weights,
      gradients,
      values: await pass.run({ weights, gradients }, { ...fixed, ...toFeeds(feeds) }, false),
    };
  },
  reference: ({ model, batches, threads }) => logpsOf(sessions, model, batches, threads),
  async tidy() {
    await sessions.closeUnused();
    const { opened } = sessions;
    sessions.opened = 0;
    return opened;
  },
};

async function answerTo<Name extends keyof LaneWork>({
  work,
  args,
}: LaneRequest<Name>): Promise<LaneAnswer<Name>> {
  try {
    return { result: await works[work](args) };
  } catch (error) {
    return { failure: failureOf(error, "a lane") };
  }
}

/** The arrays go back to whom they came from. */
const arraysOf = (answer: LaneAnswer): ArrayBuffer[] =>
  "result" in answer && typeof answer.result === "object" && "weights" in answer.result
    ? [answer.result.weights.buffer as ArrayBuffer, answer.result.gradients.buffer as ArrayBuffer]
    : [];

port.on("message", (request: LaneRequest) => {
  void answerTo(request).then((answer) => port.postMessage(answer, arraysOf(answer)));
});
