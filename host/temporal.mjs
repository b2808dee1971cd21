// The Temporal CLI, whose dev server Ratchet starts. Its version is pinned in host/tools/temporal. A command
// on PATH is used if its server is 1.29 or newer, the oldest one that the tests ran with
// (docs/operations.md).
import { provideTool } from "./tool.mjs";

export const TEMPORAL_VERSION = "1.8.2";
const OLDEST_SERVER = [1, 29];

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
  downloadUrl: (platform, arch) => {
    const goArch = { x64: "amd64", arm64: "arm64" }[arch];
    if (!goArch || !["linux", "darwin"].includes(platform)) return undefined;
    return `https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${platform}&arch=${goArch}`;
  },
  install:
    "install the Temporal CLI (https://docs.temporal.io/cli) or Go (https://go.dev/dl), " +
    "or set RATCHET_TEMPORAL to the path of a temporal command",
};

/** @param {Parameters<typeof provideTool>[1]} [options] */
export function provideTemporal(options) {
  return provideTool(temporal, options);
}
