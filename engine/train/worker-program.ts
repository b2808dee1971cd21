// The program of a data-parallel worker's thread (worker-thread.ts). It has sessions of its own.
import { parentPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { Sessions } from "../graph/sessions.ts";
import { parametersOf } from "../model/parameters.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { GradientPass, referencePass } from "./passes.ts";
import { ParameterLayout } from "./trainable-parameters.ts";
import { failureOf } from "./worker-thread.ts";
import type { WorkerAnswer, WorkerRequest, WorkerRequests } from "./worker-thread.ts";

const sessions = new Sessions();
const port = parentPort as MessagePort;
/** The training that sent `begin` last. */
let training: { pass: GradientPass; constantFeeds: LoadedWeights };

const handlers: {
  [Name in keyof WorkerRequests]: (
    args: WorkerRequests[Name]["args"],
  ) => Promise<WorkerRequests[Name]["result"]>;
} = {
  async begin({ tables, ...settings }) {
    training = {
      pass: new GradientPass(sessions, settings, new ParameterLayout(parametersOf(settings.config))),
      constantFeeds: toFeeds(tables),
    };
  },
  async gradients({ feeds, weights, gradients }) {
    const { pass, constantFeeds } = training;
    return {
      weights,
      gradients,
      values: await pass.run({ weights, gradients }, { ...constantFeeds, ...toFeeds(feeds) }, false),
    };
  },
  reference: ({ model, batches, threads }) => referencePass(sessions, model, batches, threads),
  async closeUnused() {
    await sessions.closeUnused();
    const { opened } = sessions;
    sessions.opened = 0;
    return opened;
  },
};

async function answerTo<Name extends keyof WorkerRequests>({
  name,
  args,
}: WorkerRequest<Name>): Promise<WorkerAnswer<Name>> {
  try {
    return { result: await handlers[name](args) };
  } catch (error) {
    return { failure: failureOf(error, "a data-parallel worker") };
  }
}

/** The arrays of an answer, to be transferred back. */
const arraysOf = (answer: WorkerAnswer): ArrayBuffer[] =>
  "result" in answer && typeof answer.result === "object" && "weights" in answer.result
    ? [answer.result.weights.buffer as ArrayBuffer, answer.result.gradients.buffer as ArrayBuffer]
    : [];

port.on("message", (request: WorkerRequest) => {
  void answerTo(request).then((answer) => port.postMessage(answer, arraysOf(answer)));
});
