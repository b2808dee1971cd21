// Uploads or downloads one tree through the store, in a process of its own, as a worker transfers a
// checkpoint.
//   transfer.js up STORE DIR      transfer.js down STORE DIR DIGEST
// Prints {digest, idleBytes, peakBytes}: resident memory before the transfer, and the highest.
import { openStore } from "../../store/index.ts";

const [direction, name, dir, given] = process.argv.slice(2) as [string, string, string, string];
const store = await openStore(name);
const idleBytes = process.memoryUsage.rss();
if (direction === "down") await store.getTree(given, dir);
const digest = direction === "up" ? await store.putTree(dir) : given;
process.stdout.write(JSON.stringify({ digest, idleBytes, peakBytes: process.resourceUsage().maxRSS * 1024 }));
// Open connections would keep the process alive for some seconds.
process.exit();
