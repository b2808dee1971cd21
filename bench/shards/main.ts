// `npm run shards`: checks and uploads a checkpoint of bf16 shards, into a directory and to an S3 server on
// this machine. The upload is killed after a third of the shards, run again, and run once more.
//   npm run shards -- --gb 4      gigabytes of weights; needs three times as much disk
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ParentWatch } from "../../dev/parent-watch.ts";
import { awsEnvironment, BUCKET, S3Server } from "../../test/chaos/s3-server.ts";
import { writeModel } from "./model.ts";

interface Staged {
  tree: string;
  checked: number;
  seconds: number;
  written: number;
  peak: number;
}

const STAGE = fileURLToPath(new URL("./stage.js", import.meta.url));
const { values } = parseArgs({ options: { gb: { type: "string", default: "4" } } });
const folder = await mkdtemp(join(tmpdir(), "ratchet-shards-"));
const parentWatch = new ParentWatch();
try {
  const bytes = Number(values.gb) * 1e9;
  console.log(`writing ${values.gb} GB of shards …`);
  await writeModel(join(folder, "model"), bytes);
  const server = await S3Server.start(process.env["RATCHET_TEST_VERSITYGW_BIN"]!, folder, parentWatch);
  await measure(`dir:${join(folder, "store")}`, bytes, {});
  await rm(join(folder, "store"), { recursive: true });
  await measure(`s3://${BUCKET}/shards`, bytes, awsEnvironment(server.port));
} finally {
  parentWatch.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measure(store: string, bytes: number, env: Record<string, string>): Promise<void> {
  const name = store.split(":")[0]!;
  const killed = await stage(store, env, bytes / 3);
  console.log(`${name}: killed after ${gigabytes(killed.written)} were written`);
  for (const run of ["again", "once more"]) {
    const { tree, checked, seconds, written, peak } = await stage(store, env, Infinity);
    console.log(
      `${name}: ${run}: ${gigabytes(written)} written in ${seconds.toFixed(1)} s ` +
        `(${checked.toFixed(1)} s of it checks), peak ${(peak / 1e6).toFixed(0)} MB, ` +
        `tree ${tree.slice(0, 12)}`,
    );
  }
}

/** Kills the process when it has written `most` bytes. */
async function stage(store: string, env: Record<string, string>, most: number): Promise<Staged> {
  const child = fork(STAGE, [join(folder, "model"), store], {
    // A killed process leaves its scratch folder.
    env: { ...process.env, ...env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  let written = 0;
  child.on("message", (said) => {
    ({ written } = said as { written: number });
    if (written >= most) child.kill("SIGKILL");
  });
  let text = "";
  child.stdout!.on("data", (chunk) => (text += String(chunk)));
  await once(child, "close");
  return text === "" ? { tree: "", checked: 0, seconds: 0, written, peak: 0 } : (JSON.parse(text) as Staged);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
