// A real S3 server (versitygw) on a folder. It can be killed and restarted on the same port with the same
// data.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { ParentWatch } from "../../dev/parent-watch.ts";
import { freePort } from "../../dev/ports.ts";
import { signal, until } from "./processes.ts";

export const BUCKET = "chaos";
const KEYS = { accessKeyId: "chaos", secretAccessKey: "chaos-secret" };
const REGION = "us-east-1";

/** Environment variables for a client of the server at `port`. */
export const awsEnvironment = (port: number): Record<string, string> => ({
  AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
});

export class S3Server {
  readonly port: number;
  private readonly binary: string;
  private readonly folder: string;
  private readonly parentWatch: ParentWatch;
  private process: ChildProcess | undefined;

  private constructor(binary: string, folder: string, port: number, parentWatch: ParentWatch) {
    this.binary = binary;
    this.folder = folder;
    this.port = port;
    this.parentWatch = parentWatch;
  }

  static async start(binary: string, folder: string, parentWatch: ParentWatch): Promise<S3Server> {
    for (const name of ["data", "attributes"]) mkdirSync(join(folder, name), { recursive: true });
    const server = new S3Server(binary, folder, await freePort(), parentWatch);
    await server.up();
    await server.withClient((client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
    return server;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async up(): Promise<void> {
    const log = openSync(join(this.folder, "versitygw.log"), "a");
    // Attributes go to a sidecar folder, because not every file system has extended attributes.
    const args = [
      "--port",
      `127.0.0.1:${this.port}`,
      "--region",
      REGION,
      "posix",
      "--sidecar",
      join(this.folder, "attributes"),
      join(this.folder, "data"),
    ];
    const child = spawn(this.binary, args, {
      env: { ...process.env, ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey },
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.process = child;
    const pid = child.pid as number;
    this.parentWatch.hold(pid);
    child.once("exit", () => this.parentWatch.letGo(pid));
    await until("S3 server", () =>
      this.withClient((client) => client.send(new HeadBucketCommand({ Bucket: BUCKET }))).then(
        () => true,
        (error: Error) => error.name === "NotFound",
      ),
    );
  }

  async kill(): Promise<void> {
    const child = this.process as ChildProcess;
    const exited = once(child, "exit");
    signal(child.pid as number, "SIGKILL");
    await exited;
  }

  private async withClient<T>(use: (client: S3Client) => Promise<T>): Promise<T> {
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${this.port}`,
      region: REGION,
      credentials: KEYS,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  }
}
