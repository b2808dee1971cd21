// Supervises a dev tree with the chaos worker, as `ratchet dev` does. Prints one line of JSON when the tree
// is up; ends when its stdin closes.
import { fileURLToPath } from "node:url";
import { startDevTree } from "../../dev/index.ts";

const [stateDir, store, temporal] = process.argv.slice(2) as [string, string, string];
const worker = fileURLToPath(new URL("./worker.js", import.meta.url));
// Port 0 picks a free port: on the default port, the tree of another test could take the port of a killed
// server.
const tree = await startDevTree({ ports: { grpc: 0 }, stateDir, store, ui: false, temporal, worker });
const { address, namespace, serverId } = tree;
process.stdout.write(`${JSON.stringify({ address, namespace, serverId })}\n`);
process.stdin.resume().on("end", () => void tree.stop().then(() => process.exit(0)));
