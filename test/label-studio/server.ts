// The real Label Studio on loopback, with a database of its own, used through its HTTP API.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Its first start creates the database, which takes minutes on a busy machine. */
const START_MS = 40 * 60_000;
const OWNER = {
  email: "owner@example.org",
  password: "a long password",
  token: "0123456789abcdef0123456789abcdef01234567",
};

export class LabelStudio {
  private readonly url: string;
  private readonly process: ChildProcess;
  private readonly log: string;

  private constructor(url: string, process: ChildProcess, log: string) {
    this.url = url;
    this.process = process;
    this.log = log;
  }

  static async start(command: string, dir: string): Promise<LabelStudio> {
    mkdirSync(dir, { recursive: true });
    const port = await freePort();
    const log = join(dir, "label-studio.log");
    const { email, password, token } = OWNER;
    const child = spawn(
      command,
      `start --no-browser --enable-legacy-api-token --internal-host 127.0.0.1 --port ${port}`
        .split(" ")
        .concat(
          "--log-level",
          "ERROR",
          "--data-dir",
          dir,
          "--username",
          email,
          "--password",
          password,
          "--user-token",
          token,
        ),
      {
        // It sends reports and asks for its newest version otherwise.
        env: {
          PATH: process.env["PATH"],
          HOME: dir,
          COLLECT_ANALYTICS: "0",
          SENTRY_DSN: "",
          FRONTEND_SENTRY_DSN: "",
          LATEST_VERSION_CHECK: "0",
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const file = createWriteStream(log);
    child.stdout.pipe(file);
    child.stderr.pipe(file);
    const studio = new LabelStudio(`http://127.0.0.1:${port}`, child, log);
    await studio.ready();
    return studio;
  }

  get owner(): Annotator {
    return new Annotator(this.url, OWNER.token);
  }

  /** A person who follows the owner's invitation. */
  async join(email: string): Promise<Annotator> {
    const { invite_url: path } = await this.owner.call<{ invite_url: string }>("GET", "/api/invite");
    const page = await fetch(this.url + path);
    const html = await page.text();
    const csrf = /csrfmiddlewaretoken" value="([^"]+)"/.exec(html)?.[1] ?? "";
    const form = {
      csrfmiddlewaretoken: csrf,
      email,
      password: OWNER.password,
      how_find_us: "",
      elaborate: "",
      allow_newsletters: "false",
    };
    const joined = await fetch(this.url + path, {
      method: "POST",
      body: new URLSearchParams(form),
      headers: { cookie: cookiesOf(page), referer: this.url },
      redirect: "manual",
    });
    const cookie = cookiesOf(joined);
    const token = await fetch(`${this.url}/api/current-user/token`, { headers: { cookie } });
    return new Annotator(this.url, ((await token.json()) as { token: string }).token);
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null) return;
    this.process.kill("SIGTERM");
    await once(this.process, "exit");
  }

  private async ready(): Promise<void> {
    for (const endMs = performance.now() + START_MS; performance.now() < endMs; await delay(500)) {
      if (this.process.exitCode !== null) break;
      const answer = await fetch(`${this.url}/health`).catch(() => undefined);
      if (answer?.ok) return;
    }
    throw new Error(`Label Studio did not start:\n${(await readFile(this.log, "utf8")).slice(-2_000)}`);
  }
}

export interface Annotation {
  result: object[];
  lead_time?: number;
  was_cancelled?: boolean;
}

/** What one user does. */
export class Annotator {
  private readonly url: string;
  private readonly token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Token ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async number(): Promise<number> {
    return (await this.call<{ id: number }>("GET", "/api/current-user/whoami")).id;
  }

  /** Returns the project's number. `tasks`: the text of a file to import. */
  async project(title: string, interfaceXml: string, tasks: string): Promise<number> {
    const { id } = await this.call<{ id: number }>("POST", "/api/projects", {
      title,
      label_config: interfaceXml,
    });
    await this.call("POST", `/api/projects/${id}/import`, tasks);
    return id;
  }

  /** Numbers of the tasks, by comparison. */
  async tasks(project: number): Promise<Map<number, number>> {
    const { tasks } = await this.call<{ tasks: { id: number; data: { comparison: number } }[] }>(
      "GET",
      `/api/tasks?project=${project}&page_size=1000&fields=all`,
    );
    return new Map(tasks.map(({ id, data }) => [data.comparison, id]));
  }

  async annotate(task: number, annotation: Annotation): Promise<number> {
    return (await this.call<{ id: number }>("POST", `/api/tasks/${task}/annotations/`, annotation)).id;
  }

  /** The text of the export "JSON". */
  async exported(project: number): Promise<string> {
    const tasks = await this.call<unknown>(
      "GET",
      `/api/projects/${project}/export?exportType=JSON&download_all_tasks=true`,
    );
    return JSON.stringify(tasks);
  }
}

const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
