// The Temporal CLI, whose dev server Ratchet starts. Its version is pinned in host/tools/temporal. A command
// on PATH is used if its server is 1.29 or newer, the oldest one that the tests ran with
// (docs/operations.md).
import { provideTool } from "./tool.mjs";

export const TEMPORAL_VERSION = "1.8.2";
const OLDEST_SERVER = [1, 29];

/**
 * SHA-256 of the archives of the release, as public repositories quote its `checksums.txt`.
 * @type {Record<string, string>}
 */
const ARCHIVES = {
  "temporal_cli_1.8.2_linux_amd64.tar.gz": "d8421bda989e6514b4bdb4d63a9012a8a05a806892e881a5aad8510496349a94",
  "temporal_cli_1.8.2_linux_arm64.tar.gz": "83600a8fac6e3da54093e5da6918d399f501532b9f1172235603f9606f4ac6e4",
  "temporal_cli_1.8.2_darwin_amd64.tar.gz":
    "489d7f5420cae02b559774ac23df035141954c33a51dba96f5759a0ddccdf1b6",
  "temporal_cli_1.8.2_darwin_arm64.tar.gz":
    "dacdc3587682c04cf27e67c8878ca2d755230b6ad63c0c6ebddd7348ae90ed94",
};

/** @type {import("./tool.mjs").Tool} */
const temporal = {
  name: "temporal",
  title: "Temporal CLI",
  version: TEMPORAL_VERSION,
  env: "RATCHET_TEMPORAL",
  module: "host/tools/temporal",
  package: "github.com/temporalio/cli/cmd/temporal",
  versionVariable: "github.com/temporalio/cli/internal/temporalcli.Version",
  fits: (printed) => {
    const server = /Server (\d+)\.(\d+)/.exec(printed);
    if (!server) return `not the Temporal CLI (it printed "${printed.trim().slice(0, 80)}")`;
    const [major = 0, minor = 0] = server.slice(1).map(Number);
    const [oldestMajor = 0, oldestMinor = 0] = OLDEST_SERVER;
    const fits = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
    return fits ? undefined : `server ${major}.${minor} is older than ${OLDEST_SERVER.join(".")}`;
  },
  archive: (platform, arch) => {
    const goArch = { x64: "amd64", arm64: "arm64" }[arch];
    const name = `temporal_cli_${TEMPORAL_VERSION}_${platform}_${goArch}.tar.gz`;
    const sha256 = ARCHIVES[name];
    const releases = "https://github.com/temporalio/cli/releases/download";
    return sha256 === undefined ? undefined : { url: `${releases}/v${TEMPORAL_VERSION}/${name}`, sha256 };
  },
  install:
    "install the Temporal CLI (https://docs.temporal.io/cli) or Go (https://go.dev/dl), " +
    "or set RATCHET_TEMPORAL to the path of a temporal command",
};

/** @param {Parameters<typeof provideTool>[1]} [options] */
export function provideTemporal(options) {
  return provideTool(temporal, options);
}
