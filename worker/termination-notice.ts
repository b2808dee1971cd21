// Termination notices of spot and preemptible machines: a file that appears, or a metadata address that
// begins to answer. The worker then drains as after SIGTERM.
import { existsSync } from "node:fs";

export interface TerminationNoticeSources {
  /** Any file; the user's own script creates it. */
  file?: string;
  /**
   * An address that answers with 2xx and not FALSE once the machine will be terminated. AWS:
   * /latest/meta-data/spot/instance-action; GCP: …/instance/preempted.
   */
  url?: string;
}

const ASK_MS = 2_000;

/** Calls `onNotice` once; the returned function stops watching. */
export function watchForTerminationNotice(
  sources: TerminationNoticeSources,
  onNotice: (from: string) => void,
): () => void {
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

/** The source that gives notice. An address that does not answer gives none, as outside the cloud. */
async function noticeFrom({ file, url }: TerminationNoticeSources): Promise<string | undefined> {
  if (file && existsSync(file)) return file;
  return url && (await announced(url).catch(() => false)) ? url : undefined;
}

async function announced(url: string): Promise<boolean> {
  let answer = await ask(url);
  // Version 2 of AWS's metadata service asks for a token first.
  if (answer.status === 401) answer = await ask(url, { "x-aws-ec2-metadata-token": await awsToken(url) });
  return answer.ok && (await answer.text()).trim().toUpperCase() !== "FALSE";
}

async function awsToken(url: string): Promise<string> {
  const lifetime = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  return (await ask(new URL("/latest/api/token", url), lifetime, "PUT")).text();
}

const ask = (url: string | URL, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(url, {
    method,
    headers: { "metadata-flavor": "Google", ...headers },
    signal: AbortSignal.timeout(ASK_MS),
  });
