// The line between chaos workers and their driver: JSON lines over loopback TCP, one question at a time per id, each answered.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Answer, Point } from "./points.ts";

interface Question {
  id: number;
  pid: number;
  point: Point;
}

export interface Line {
  port: number;
  close(): void;
}

/** Driver's end. An answer to a worker that was killed meanwhile is dropped. */
export async function listen(answer: (point: Point, pid: number) => Promise<Answer>): Promise<Line> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // The interface passes its socket's errors on: a worker was killed.
    createInterface({ input: socket })
      .on("error", () => socket.destroy())
      .on("line", (line) => {
        const { id, pid, point } = JSON.parse(line) as Question;
        void answer(point, pid).then(
          (given) => socket.destroyed || socket.write(`${JSON.stringify({ id, answer: given })}\n`),
        );
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Worker's end. A worker without its driver ends: it would hold points that nobody answers. */
export async function call(port: number): Promise<(point: Point) => Promise<Answer>> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  createInterface({ input: socket })
    .on("error", () => undefined)
    .on("line", (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: Answer };
      waiting.get(id)?.(answer);
      waiting.delete(id);
    });
  socket.on("close", () => process.exit(1));
  return (point) =>
    new Promise((resolve) => {
      asked += 1;
      waiting.set(asked, resolve);
      socket.write(`${JSON.stringify({ id: asked, pid: process.pid, point } satisfies Question)}\n`);
    });
}
