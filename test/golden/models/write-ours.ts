// For `make.py --check`: writes every seeded model in all types of weights, and its gradients; and every
// adapter, also merged.
//   node dist/test/golden/models/write-ours.js OUT_DIR
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { mergeAdapter, writeAdapter, writeCheckpoint, writeSafetensors } from "../../../engine/index.ts";
import { adapterOf, adapters, checkpointOf, gradients, readGolden, variants } from "./golden.ts";
import type { GoldenAdapter } from "./golden.ts";

const out = process.argv[2];
if (out === undefined) throw new Error("usage: write-ours.js OUT_DIR");
for (const name of variants) {
  const golden = await readGolden(name);
  const checkpoint = await checkpointOf(name, golden);
  await mkdir(join(out, name), { recursive: true });
  for (const dtype of ["F32", "F16", "BF16"] as const)
    await writeCheckpoint(join(out, name, dtype), checkpoint, out, dtype);
  await writeSafetensors(join(out, name, "gradients.safetensors"), await gradients(checkpoint, golden.rows));
}
for (const name of adapters) {
  const { base, adapter } = await adapterOf(await readGolden<GoldenAdapter>(name));
  await writeAdapter(join(out, name, "adapter"), adapter);
  await writeCheckpoint(join(out, name, "merged"), mergeAdapter(base, adapter), out);
}
