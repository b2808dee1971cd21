// What a further lane (lanes.ts) runs in its thread.
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { parametersOf } from "../model/parameters.ts";
import { toFeeds } from "../score/weights.ts";
import { GradientPass } from "./gradient-pass.ts";
import { gradientGraph } from "./graphs.ts";
import type { LaneAnswer, LaneRequest, LaneSettings } from "./lanes.ts";
import { ParameterLayout } from "./parameter-layout.ts";
import { openSession } from "./sessions.ts";
import { failureOf } from "./thread-failure.ts";

const { task, config, threads, tables } = workerData as LaneSettings;
const fixed = toFeeds(tables);
const pass = new GradientPass((adding) => openSession(threads, config, (of) => gradientGraph(task, config, { adding, threads: of })), new ParameterLayout(parametersOf(config)));
const port = parentPort as MessagePort;

async function answerTo({ feeds, ...arrays }: LaneRequest): Promise<LaneAnswer> {
  try {
    return { ...arrays, values: await pass.run(arrays, { ...fixed, ...toFeeds(feeds) }, false) };
  } catch (error) {
    return { ...arrays, failure: failureOf(error, "a lane") };
  }
}

port.on("message", (request: LaneRequest) => {
  void answerTo(request).then((answer) => port.postMessage(answer, [answer.weights.buffer as ArrayBuffer, answer.gradients.buffer as ArrayBuffer]));
});
