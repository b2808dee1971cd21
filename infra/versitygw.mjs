// versitygw, the S3 server of the store's tests. Its version is pinned in infra/tools/versitygw. Before 1.8
// several concurrent conditional writes could succeed, so the tests would fail.
import { provideTool } from "../host/tool.mjs";

export const VERSITYGW_VERSION = "1.8.0";

/** @type {import("../host/tool.mjs").Tool} */
const versitygw = {
  name: "versitygw",
  title: "versitygw",
  version: VERSITYGW_VERSION,
  env: "RATCHET_VERSITYGW",
  module: "infra/tools/versitygw",
  package: "github.com/versity/versitygw/cmd/versitygw",
  versionVariable: "main.Version",
  fits: (printed) => {
    const version = /(\d+)\.(\d+)\.\d+/.exec(printed);
    if (!version) return `no version in "${printed.trim().slice(0, 80)}"`;
    const [major = 0, minor = 0] = version.slice(1).map(Number);
    return major > 1 || minor >= 8 ? undefined : `version ${major}.${minor} is older than 1.8`;
  },
  downloadUrl: (platform, arch) => {
    const system = { linux: "Linux", darwin: "Darwin" }[platform];
    const machine = { x64: "x86_64", arm64: "arm64" }[arch];
    if (!system || !machine) return undefined;
    const releases = "https://github.com/versity/versitygw/releases/download";
    return `${releases}/v${VERSITYGW_VERSION}/versitygw_v${VERSITYGW_VERSION}_${system}_${machine}.tar.gz`;
  },
  install:
    "install versitygw 1.8 or newer or Go (https://go.dev/dl), " +
    "set RATCHET_VERSITYGW to the path of a versitygw command, or skip S3: npm test -- --no-s3",
};

/** @param {Parameters<typeof provideTool>[1]} [options] */
export function provideVersitygw(options) {
  return provideTool(versitygw, options);
}
