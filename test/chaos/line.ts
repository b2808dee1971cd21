// The connection between chaos workers and their driver: JSON lines over loopback TCP. Every question has an
// id and gets one answer.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createInterface } from "node:readline";
import { GO } from "./points.ts";
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

/** The driver's end. An answer to a worker that has died is dropped. */
export async function listen(answer: (point: Point, pid: number) => Promise<Answer>): Promise<Line> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // The interface re-emits the socket's errors, e.g. when the worker was killed.
    createInterface({ input: socket })
      .on("error", () => socket.destroy())
      .on("line", (line) => {
        const { id, pid, point } = JSON.parse(line) as Question;
        // An error in the driver must not hold the worker for ever: the worker continues, the driver reports.
        const answered = answer(point, pid).catch((error: unknown) => {
          queueMicrotask(() => {
            throw error;
          });
          return GO;
        });
        void answered.then(
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

/** The worker's end. The worker exits when the driver is gone, because nobody would answer its points. */
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
