// Notices that this machine will be taken away, as spot and preemptible machines give them: a file that appears, or a metadata address
// that begins to answer. The worker then drains as after SIGTERM.
import { existsSync } from "node:fs";

export interface NoticeSources {
  /** Any file: written by whatever hears of the notice. */
  file?: string;
  /** Answers 2xx when the machine is to go (AWS: /latest/meta-data/spot/instance-action), or TRUE (GCP: …/instance/preempted). */
  url?: string;
}

const ASK_MS = 2_000;

/** Calls `onNotice` once; the returned function stops watching. */
export function watchForNotice(sources: NoticeSources, onNotice: (from: string) => void): () => void {
  if (!sources.file && !sources.url) return () => undefined;
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    void noticeFrom(sources).then((from) => {
      asking = false;
      if (from === undefined) return;
      clearInterval(timer);
      onNotice(from);
    });
  }, ASK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The source that says so. An address that cannot be reached says nothing: off the cloud there is none. */
async function noticeFrom({ file, url }: NoticeSources): Promise<string | undefined> {
  if (file && existsSync(file)) return file;
  return url && (await announced(url).catch(() => false)) ? url : undefined;
}

async function announced(url: string): Promise<boolean> {
  let answer = await ask(url);
  // AWS's second version of its metadata service wants a token first.
  if (answer.status === 401)
    answer = await ask(url, {
      "x-aws-ec2-metadata-token": await (
        await ask(new URL("/latest/api/token", url), { "x-aws-ec2-metadata-token-ttl-seconds": "60" }, "PUT")
      ).text(),
    });
  return answer.ok && (await answer.text()).trim().toUpperCase() !== "FALSE";
}

const ask = (url: string | URL, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(url, {
    method,
    headers: { "metadata-flavor": "Google", ...headers },
    signal: AbortSignal.timeout(ASK_MS),
  });
