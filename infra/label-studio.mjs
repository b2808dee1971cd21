// `npm run label-studio`: a round trip of questions and labels through the real Label Studio, on loopback.
// Python package: test/label-studio/requirements.txt, in an environment in the cache or in that of
// RATCHET_LABEL_STUDIO_VENV.
import { dirname, join } from "node:path";
import { providePython } from "./python.mjs";
import { handOver, runScript } from "./script.mjs";
import { root, setUp } from "./setup.mjs";

await runScript(async () => {
  await setUp({ temporal: false });
  const python = await providePython({
    name: "label-studio",
    what: "Label Studio",
    requirements: join(root, "test/label-studio/requirements.txt"),
    variable: "RATCHET_LABEL_STUDIO_VENV",
  });
  const script = join(root, "dist/test/label-studio/round-trip.js");
  const command = join(dirname(python), "label-studio");
  return await handOver(process.execPath, ["--enable-source-maps", script, command]);
});
