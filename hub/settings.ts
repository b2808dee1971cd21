// Where the hub and its cache are, by the variables that Python's tools read too.
import { homedir } from "node:os";
import { join } from "node:path";
import { RatchetError } from "../errors/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface HubSettings {
  /** Without a slash at its end. */
  endpoint: string;
  /** Never stored, shown or logged; sent to the endpoint only. */
  token: string | undefined;
  cacheDir: string;
  offline: boolean;
}

export function hubSettings(environment: Environment): HubSettings {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  return {
    endpoint: checkedEndpoint(HF_ENDPOINT || "https://huggingface.co"),
    token: HF_TOKEN?.trim() || undefined,
    cacheDir: HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(home, "hub"),
    offline: /^(?:1|true|yes|on)$/i.test(environment["HF_HUB_OFFLINE"] ?? ""),
  };
}

function checkedEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username) return text.replace(/\/+$/, "");
  throw new RatchetError("env_invalid", `HF_ENDPOINT is no address of a hub: ${shown(url, text)}`, {
    hint: "for example https://huggingface.co; a token belongs in HF_TOKEN",
  });
}

/** Without a password in it. */
const shown = (url: URL | undefined, text: string): string =>
  url?.username ? `it has credentials (host ${url.host})` : JSON.stringify(text);
