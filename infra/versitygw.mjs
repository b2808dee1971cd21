// versitygw, the S3 server of the store's tests. Its version is pinned in infra/tools/versitygw. Before 1.8
// several concurrent conditional writes could succeed, so the tests would fail.
import { provideTool } from "../host/tool.mjs";

export const VERSITYGW_VERSION = "1.8.0";

/**
 * SHA-256 of the archives of the release, as public repositories quote its `checksums.txt`.
 * @type {Record<string, string>}
 */
const ARCHIVES = {
  "versitygw_v1.8.0_Linux_x86_64.tar.gz": "2ba2c734d10d2c4e651d03182cb4b246656bc735a2f282db7b0b73fba6073467",
  "versitygw_v1.8.0_Linux_arm64.tar.gz": "b34051d33f5a9c457f790896acb7bd7d7e15ad8d92efb70616b924f37e401910",
  "versitygw_v1.8.0_Darwin_x86_64.tar.gz": "104bd978e80ef0173554cfd8630ccc5bac24b00da440510b60365a3b6b6ab134",
  "versitygw_v1.8.0_Darwin_arm64.tar.gz": "4953096f65a9c0d62ab184fb6b2ba7c2435229205cf00a56cb62cd4bf6b216ca",
};

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
  archive: (platform, arch) => {
    const system = { linux: "Linux", darwin: "Darwin" }[platform];
    const machine = { x64: "x86_64", arm64: "arm64" }[arch];
    const name = `versitygw_v${VERSITYGW_VERSION}_${system}_${machine}.tar.gz`;
    const sha256 = ARCHIVES[name];
    const releases = "https://github.com/versity/versitygw/releases/download";
    return sha256 === undefined ? undefined : { url: `${releases}/v${VERSITYGW_VERSION}/${name}`, sha256 };
  },
  install:
    "install versitygw 1.8 or newer or Go (https://go.dev/dl), " +
    "set RATCHET_VERSITYGW to the path of a versitygw command, or skip S3: npm test -- --no-s3",
};

/** @param {Parameters<typeof provideTool>[1]} [options] */
export function provideVersitygw(options) {
  return provideTool(versitygw, options);
}
