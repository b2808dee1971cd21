// `vllm serve` of the fake (fake-vllm.ts): `fake-vllm-main.js serve FOLDER --served-model-name NAME …`.
// `FAKE_VLLM` is JSON of its lies. Like vLLM it has a second process, for its engine, which stays behind when
// this one is killed; the ids of both are written to the folder `FAKE_VLLM_PIDS`.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FakeVllm } from "./fake-vllm.ts";
import type { Lies } from "./fake-vllm.ts";

const string = { type: "string" } as const;
const options = {
  "served-model-name": string,
  host: string,
  port: string,
  "generation-config": string,
  "logprobs-mode": string,
  "max-model-len": string,
  dtype: string,
};
const args = process.argv.slice(3);
const unknown = args.filter((arg) => arg.startsWith("--") && !Object.hasOwn(options, arg.slice(2)));
if (unknown.length > 0) {
  process.stderr.write(`vllm: error: unrecognized arguments: ${unknown.join(" ")}\n`);
  process.exit(2);
}
const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
const engine = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "ignore" });
const pids = process.env["FAKE_VLLM_PIDS"];
if (pids !== undefined)
  for (const pid of [process.pid, engine.pid]) writeFileSync(join(pids, String(pid)), "");

const lies = JSON.parse(process.env["FAKE_VLLM"] ?? "{}") as Lies;
const context = values["max-model-len"];
await FakeVllm.start({
  dir: positionals[0]!,
  name: values["served-model-name"]!,
  port: Number(values.port),
  lies: {
    ...lies,
    processed: values["logprobs-mode"] !== "raw_logprobs" || lies.processed === true,
    ...(context === undefined ? {} : { context: Number(context) }),
  },
});
process.stdout.write("Application startup complete.\n");
