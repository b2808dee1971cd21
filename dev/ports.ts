// Free TCP ports of this machine's loopback address.
import { createServer } from "node:net";

const LOOPBACK = "127.0.0.1";

export function isPortFree(port: number): Promise<boolean> {
  return listenOnce(port).then(() => true, () => false);
}

/** The preferred port where it is free, else any. */
export async function freePort(preferred = 0): Promise<number> {
  if (preferred !== 0 && preferred < 65536 && (await isPortFree(preferred))) return preferred;
  return await listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      const chosen = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
