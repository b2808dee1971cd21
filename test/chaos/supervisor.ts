// A process that supervises a dev tree with the chaos worker, as `ratchet dev` does: one line of JSON when it is up, ends with its input.
import { fileURLToPath } from "node:url";
import { startDevTree } from "../../dev/index.ts";

const [stateDir, store, temporal] = process.argv.slice(2) as [string, string, string];
const worker = fileURLToPath(new URL("./worker.js", import.meta.url));
// A port of its own: on the default one, trees of other tests would take the place of a server that is killed.
const tree = await startDevTree({ ports: { grpc: 0 }, stateDir, store, ui: false, temporal, worker });
const { address, namespace, serverId } = tree;
process.stdout.write(`${JSON.stringify({ address, namespace, serverId })}\n`);
process.stdin.resume().on("end", () => void tree.stop().then(() => process.exit(0)));
