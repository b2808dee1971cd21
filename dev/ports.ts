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
 * The preferred port where it is free, else any. From below the range out of which systems give ports to outgoing connections (32768 on Linux,
 * 49152 elsewhere): one of those may be somebody's a moment later, and keep a server that was killed from coming back.
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
