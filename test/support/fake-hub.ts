// FakeHub: a small server that speaks the API of the Hugging Face hub, as huggingface_hub 2.4 and
// @huggingface/hub 2.17 use it. No real hub is asked in tests. Files of LFS are behind a redirect to a second
// server with signed addresses, as in the real one, which refuses a token.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeRepo {
  /** By branch or tag. */
  refs: Record<string, string>;
  /** By commit: path → content. Files of `.safetensors` and `.parquet` are in LFS. */
  commits: Record<string, Record<string, string | Uint8Array>>;
  /** Tokens that may read it; absent: everybody. */
  readers?: string[];
  /** The names of files are public, and their content is not. */
  gated?: boolean;
}

/** What happens to the next request whose address contains `path`. */
export interface Fault {
  path: string;
  /** Answer with this status and headers. */
  status?: number;
  headers?: Record<string, string>;
  /** Close the connection after so many bytes of the body. */
  breakAfter?: number;
  /** Send other bytes of the same size. */
  spoil?: boolean;
  /** Ignore a Range header. */
  whole?: boolean;
}

export interface Asked {
  method: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
  server: "hub" | "storage";
}

const PAGE = 3;
const sha = (algorithm: string, bytes: Uint8Array, header = ""): string =>
  createHash(algorithm).update(header).update(bytes).digest("hex");

interface Stored {
  path: string;
  bytes: Buffer;
  oid: string;
  lfs?: string;
}

export class FakeHub {
  readonly repos: Record<string, FakeRepo> = {};
  readonly asked: Asked[] = [];
  readonly faults: Fault[] = [];
  private readonly hub = createServer((request, answer) => this.answer(request, answer, "hub"));
  private readonly storage = createServer((request, answer) => this.answer(request, answer, "storage"));

  static async start(): Promise<FakeHub> {
    const fake = new FakeHub();
    for (const server of [fake.hub, fake.storage])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get endpoint(): string {
    return addressOf(this.hub);
  }

  async close(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private answer(request: IncomingMessage, answer: ServerResponse, server: Asked["server"]): void {
    const { authorization, range } = request.headers;
    const { method = "GET", url = "/" } = request;
    this.asked.push({ method, url, authorization, range, server });
    const at = this.faults.findIndex(({ path }) => url.includes(path));
    const fault = at < 0 ? undefined : this.faults.splice(at, 1)[0];
    if (fault?.status !== undefined) return end(answer, fault.status, fault.headers, "");
    if (server === "storage") return this.store(request, answer, fault);
    this.route(request, answer, fault);
  }

  private route(request: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
    const url = new URL(request.url!, this.endpoint);
    const [, type, name, verb, rest] =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree|paths-info)\/(.+)$/.exec(url.pathname) ?? [];
    const [, folder, file, commit, path] =
      /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const id = name ? `${type}/${name}` : `${folder ?? "models/"}${file}`;
    const repo = this.repos[id];
    const token = request.headers.authorization?.replace("Bearer ", "");
    if (!repo || (repo.readers && !repo.gated && !repo.readers.includes(token ?? "")))
      return token === undefined
        ? end(answer, 401, { "x-error-message": "Invalid username or password." }, "{}")
        : end(
            answer,
            404,
            { "x-error-code": "RepoNotFound", "x-error-message": "Repository not found" },
            "{}",
          );
    const revision = decodeURIComponent(rest ?? commit ?? "");
    const sha = repo.commits[revision] ? revision : repo.refs[revision];
    if (sha === undefined)
      return end(
        answer,
        404,
        { "x-error-code": "RevisionNotFound", "x-error-message": `Invalid rev id: ${revision}` },
        "{}",
      );
    const files = stored(repo.commits[sha]!);
    if (verb === "revision")
      return json(answer, {
        _id: "0",
        id: name,
        sha,
        private: false,
        gated: repo.gated ?? false,
        lastModified: "2026-01-01T00:00:00.000Z",
        siblings: files.map((one) => ({ rfilename: one.path })),
      });
    if (verb === "tree") return this.tree(url, files, answer);
    if (verb === "paths-info") return this.pathsInfo(request, files, answer);
    if (repo.gated && !repo.readers?.includes(token ?? ""))
      return end(
        answer,
        token === undefined ? 401 : 403,
        { "x-error-code": "GatedRepo", "x-error-message": `Access to model ${file} is restricted.` },
        "",
      );
    const found = files.find((one) => one.path === decodeURIComponent(path!));
    if (!found)
      return end(answer, 404, { "x-error-code": "EntryNotFound", "x-error-message": "Entry not found" }, "");
    this.resolve(request, answer, found, sha, fault);
  }

  /** In pages, each with a link to the next. */
  private tree(url: URL, files: Stored[], answer: ServerResponse): void {
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const page = files.slice(from, from + PAGE);
    url.searchParams.set("cursor", String(from + PAGE));
    const more: Record<string, string> =
      from + PAGE < files.length ? { link: `<${url.href}>; rel="next"` } : {};
    json(answer, page.map(entry), more);
  }

  private pathsInfo(request: IncomingMessage, files: Stored[], answer: ServerResponse): void {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const { paths } = JSON.parse(body) as { paths: string[] };
      json(answer, files.filter(({ path }) => paths.includes(path)).map(entry));
    });
  }

  private resolve(
    request: IncomingMessage,
    answer: ServerResponse,
    file: Stored,
    commit: string,
    fault: Fault | undefined,
  ): void {
    const headers = { "x-repo-commit": commit, "accept-ranges": "bytes" };
    if (file.lfs === undefined)
      return send(request, answer, file.bytes, { ...headers, etag: `"${file.oid}"` }, fault);
    const location = `${addressOf(this.storage)}/lfs/${file.lfs}/${file.path}?X-Amz-Signature=signed`;
    const linked = { "x-linked-etag": `"${file.lfs}"`, "x-linked-size": String(file.bytes.length) };
    end(answer, 302, { ...headers, ...linked, location }, "");
  }

  private store(request: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
    if (request.headers.authorization !== undefined)
      return end(answer, 400, {}, "Only one auth mechanism allowed");
    const [, digest] = /^\/lfs\/([0-9a-f]{64})\//.exec(request.url!) ?? [];
    const all = Object.values(this.repos).flatMap(({ commits }) => Object.values(commits).flatMap(stored));
    const found = all.find(({ lfs }) => lfs === digest);
    if (!found) return end(answer, 404, {}, "");
    send(request, answer, found.bytes, { etag: `"${digest}"`, "accept-ranges": "bytes" }, fault);
  }
}

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function stored(files: Record<string, string | Uint8Array>): Stored[] {
  return Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, content]) => {
      const bytes = Buffer.from(content as Uint8Array);
      if (!/\.(?:safetensors|parquet)$/.test(path))
        return { path, bytes, oid: sha("sha1", bytes, `blob ${bytes.length}\0`) };
      const lfs = sha("sha256", bytes);
      const pointer = Buffer.from(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${lfs}\nsize ${bytes.length}\n`,
      );
      return { path, bytes, oid: sha("sha1", pointer, `blob ${pointer.length}\0`), lfs };
    });
}

const entry = ({ path, bytes, oid, lfs }: Stored) => ({
  type: "file",
  oid,
  size: bytes.length,
  path,
  ...(lfs === undefined ? {} : { lfs: { oid: lfs, size: bytes.length, pointerSize: 130 } }),
});

/** A body, or the part that a Range header asks for. */
function send(
  request: IncomingMessage,
  answer: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string>,
  fault: Fault = { path: "" },
): void {
  const from = fault.whole ? undefined : /^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1];
  const start = Number(from ?? 0);
  const body = Buffer.from(bytes.subarray(start));
  if (fault.spoil) body[0]! ^= 1;
  const range =
    from === undefined ? {} : { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  answer.writeHead(from === undefined ? 200 : 206, { ...headers, ...range, "content-length": body.length });
  if (request.method === "HEAD") answer.end();
  else if (fault.breakAfter === undefined) answer.end(body);
  else answer.write(body.subarray(0, fault.breakAfter), () => setTimeout(() => answer.destroy(), 50));
}

const json = (answer: ServerResponse, value: unknown, headers: Record<string, string> = {}): void =>
  end(answer, 200, { "content-type": "application/json", ...headers }, JSON.stringify(value));

function end(
  answer: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: string,
): void {
  answer.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
  answer.end(body);
}
