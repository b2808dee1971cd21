// Checks a checkpoint and uploads it as compiling does, in a process of its own.
//   node dist/bench/shards/stage.js FOLDER STORE     prints {tree, seconds, written, peak}, bytes
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stageModel } from "../../compile/policy.ts";
import { backendOf, storeOn } from "../../store/index.ts";

const [folder, name] = process.argv.slice(2);
const backend = await backendOf(name!);
let written = 0;
const store = await storeOn({
  ...backend,
  async putFile(key, path) {
    await backend.putFile(key, path);
    written += (await stat(path)).size;
    process.send?.({ written });
  },
});
const scratch = await mkdtemp(join(tmpdir(), "ratchet-shards-"));
try {
  const startMs = performance.now();
  const { dir } = await stageModel({ name: "the model", folder: folder! }, join(scratch, "model"));
  const checkedMs = performance.now() - startMs;
  const tree = await store.putTree(dir);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(await readFile("/proc/self/status", "utf8"))![1];
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    JSON.stringify({ tree, checked: checkedMs / 1000, seconds, written, peak: Number(peak) * 1024 }),
  );
} finally {
  await rm(scratch, { recursive: true });
}
