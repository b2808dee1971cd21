// A process that supervises a dev tree, as `ratchet dev` does: prints where it is as one line of JSON, drains on signals.
import { fileURLToPath } from "node:url";
import { drainOnSignal, startDevTree } from "../../dev/index.ts";

const [stateDir, temporal] = process.argv.slice(2) as [string, string];
const worker = fileURLToPath(new URL("./idle-worker.js", import.meta.url));
// A port of its own: on the default one, trees of other tests would take the place of a server that is killed.
const tree = await startDevTree({
  ports: { grpc: 0 },
  stateDir,
  store: "dir:/store",
  ui: false,
  temporal,
  worker,
});
const drained = drainOnSignal(tree);
process.stdout.write(
  `${JSON.stringify({ address: tree.address, serverId: tree.serverId, ...tree.pids() })}\n`,
);
await drained;
