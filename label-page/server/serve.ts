// Serves the page on 127.0.0.1 only. TLS and other machines are the business of the operator's proxy.
import { getRequestListener } from "@hono/node-server";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RatchetError } from "../../errors/index.ts";
import type { Access } from "../access/access.ts";
import { Desk } from "../desk/desk.ts";
import type { LabelSource } from "../../labels/source.ts";
import { labelApp } from "./app.ts";
import { readPageFiles } from "./page-files.ts";

export interface ServeOptions {
  source: LabelSource;
  access: Access;
  labelers: readonly string[];
  /** 0: any free port. */
  port: number;
  /** Markdown file. */
  instructions: string | undefined;
  /** `https://label.example.org`, where the operator's proxy has it. */
  publicOrigin: string | undefined;
  report: (error: unknown) => void;
}

export interface LabelServer {
  /** Where labelers find it. */
  origin: string;
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

const INSTRUCTIONS = `Read the prompt and both answers. Choose the answer that you would rather get.
Choose *tie* if they are equally good, and *both bad* if you would want neither.`;

export async function serveLabels(options: ServeOptions): Promise<LabelServer> {
  const { source, access, labelers, port, instructions, publicOrigin, report } = options;
  const read = async (): Promise<string> =>
    instructions === undefined ? INSTRUCTIONS : readFile(instructions, "utf8");
  // A file that is missing is the operator's to mend now, not the first labeler's.
  await read();
  const desk = new Desk(source, labelers, await access.ticketKey());
  const files = await readPageFiles();
  const { server, port: bound } = await listen(port, (own) =>
    labelApp({
      campaignId: source.campaignId,
      labelers,
      access,
      desk,
      files,
      instructions: read,
      origins: [
        ...(publicOrigin === undefined ? [] : [publicOrigin]),
        `http://${LOOPBACK}:${own}`,
        `http://localhost:${own}`,
      ],
      report,
    }),
  );
  return {
    origin: publicOrigin ?? `http://${LOOPBACK}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answerer {
  fetch: (request: Request) => Response | Promise<Response>;
}

/** The app knows its own port, which the system chooses if `port` is 0. */
function listen(port: number, appAt: (port: number) => Answerer): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    let app: Answerer;
    const server = createServer(
      getRequestListener((request) => app.fetch(request), { overrideGlobalObjects: false }),
    );
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === "EADDRINUSE"
          ? new RatchetError("port_taken", `port ${port} is taken`, {
              hint: "stop what listens there, or name another port with --port (0: any free one)",
              cause,
            })
          : cause,
      ),
    );
    server.listen(port, LOOPBACK, () => {
      const bound = (server.address() as AddressInfo).port;
      app = appAt(bound);
      resolve({ server, port: bound });
    });
  });
}
