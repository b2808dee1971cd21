// Finds Temporal and the store: by flags, else the environment, else `.ratchet/dev.json`. The caller passes
// environment and folder, so that a program that embeds the client uses the same rules.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type * as Envconfig from "@temporalio/envconfig";
import { RatchetError } from "../errors/index.ts";
import { findDevJson } from "../dev/dev-json.ts";
import type { DevJson } from "../dev/dev-json.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";

export interface FindOptions {
  /** Flags of the command. */
  store?: string;
  address?: string;
  namespace?: string;
  profile?: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/**
 * By the flag, else the SDK's TEMPORAL_* variables and profiles, else a running local tree. Undefined if none
 * is configured.
 */
export function findTemporal(options: FindOptions): TemporalAddress | undefined {
  const configured = findConfiguredTemporal(options);
  if (configured) return configured;
  const dev = findDevJson(options.cwd);
  return dev?.alive ? temporalOfTree(dev, options.namespace) : undefined;
}

export const temporalOfTree = (
  { address, namespace: own, serverId }: Pick<DevJson, "address" | "namespace" | "serverId">,
  namespace = own,
): TemporalAddress => ({ address, namespace, connection: {}, identity: serverId });

/** As findTemporal, without the local tree. */
export function findConfiguredTemporal({
  address,
  namespace,
  profile,
  env,
  cwd,
}: FindOptions): TemporalAddress | undefined {
  const configured = clientProfile(profile, env);
  const at = address ?? configured.connectionOptions.address;
  if (!at) return undefined;
  const { tls, apiKey, metadata } = configured.connectionOptions as TemporalAddress["connection"];
  const own = findDevJson(cwd);
  // The worker of a local tree knows its server by this identity. Use the same one, however the server was
  // found.
  const identity = own?.alive && own.address === at ? own.serverId : undefined;
  return {
    address: at,
    namespace: namespace ?? configured.namespace ?? "default",
    connection: { tls, apiKey, metadata },
    identity,
  };
}

/**
 * By `--store`, else RATCHET_STORE, else dev.json. Makes a relative folder absolute, because workers get the
 * same name.
 */
export function findStoreName({ store, env, cwd }: FindOptions): string | undefined {
  const name = store ?? (env["RATCHET_STORE"] || undefined) ?? findDevJson(cwd)?.store;
  return name?.startsWith("dir:") ? `dir:${resolve(cwd, name.slice("dir:".length))}` : name;
}

export function requireStoreName(options: FindOptions): string {
  const name = findStoreName(options);
  if (name) return name;
  throw new RatchetError("store_missing", "no store is named", {
    hint:
      "name one with --store or RATCHET_STORE: dir:/path or s3://bucket/prefix; " +
      "`ratchet dev` makes one here",
  });
}

function clientProfile(
  profile: string | undefined,
  env: NodeJS.ProcessEnv,
): ReturnType<typeof Envconfig.toClientOptions> {
  try {
    // Loaded here, because readers of the record need no Temporal. It is CommonJS.
    const envconfig = createRequire(import.meta.url)("@temporalio/envconfig") as typeof Envconfig;
    const overrideEnvVars = Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    return envconfig.toClientOptions(
      envconfig.loadClientConfigProfile({ profile: profile || undefined, overrideEnvVars }),
    );
  } catch (cause) {
    throw new RatchetError(
      "temporal_config_invalid",
      `Temporal's client configuration cannot be used: ${(cause as Error).message}`,
      { hint: "see TEMPORAL_CONFIG_FILE and --profile", cause },
    );
  }
}
