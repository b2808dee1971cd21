// Supervises a dev tree, as `ratchet dev` does: prints its address and pids as one line of JSON, and drains
// on a signal.
import { fileURLToPath } from "node:url";
import { drainOnSignal, startDevTree } from "../../dev/index.ts";

const [stateDir, temporal] = process.argv.slice(2) as [string, string];
const worker = fileURLToPath(new URL("./idle-worker.js", import.meta.url));
// Port 0 picks a free port: on the default port, the tree of another test could take the port of a killed
// server.
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
