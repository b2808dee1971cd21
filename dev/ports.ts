// Free TCP ports of this machine's loopback address.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const LOOPBACK = "127.0.0.1";
const LOWEST = 10_000;
const HIGHEST = 30_000;
const TRIES = 50;

export function isPortFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  );
}

/**
 * The preferred port if it is free, else another one. It is below the range that systems use for outgoing
 * connections (from 32768 on Linux, from 49152 elsewhere), because an outgoing connection could take the port
 * before a killed server restarts.
 */
export async function freePort(preferred = 0): Promise<number> {
  const some = Array.from({ length: TRIES }, () => randomInt(LOWEST, HIGHEST));
  for (const port of [preferred, ...some]) {
    if (port !== 0 && port < 65536 && (await isPortFree(port))) return port;
  }
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
