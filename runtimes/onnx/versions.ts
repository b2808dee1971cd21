// What computed a result, for the facts of its manifest: equal bits are promised for one CPU type only.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, platform } from "node:os";

export interface RuntimeFacts {
  onnxruntime: string;
  /** Model name and architecture. */
  cpu: string;
  /** Instruction sets that decide which kernels onnxruntime takes, e.g. `avx avx2 fma`. */
  cpuFlags: string;
  /** What the engine computes on. */
  device: "cpu";
}

/** Flags by which onnxruntime's kernels for x64 and arm64 differ. */
const deciding = /^(avx|avx2|fma|f16c|avx512\w*|avx_vnni|amx_\w+|asimd\w*|sve\w*|i8mm|bf16)$/;

/** Flags of the first processor; empty where the system does not tell. */
function cpuFlags(): string {
  if (platform() !== "linux") return "";
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return line
      .split(" ")
      .filter((flag) => deciding.test(flag))
      .sort()
      .join(" ");
  } catch {
    return "";
  }
}

export function runtimeFacts(): RuntimeFacts {
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return {
    onnxruntime: version,
    cpu: `${cpus()[0]?.model.trim() || "unknown"} (${arch()})`,
    cpuFlags: cpuFlags(),
    device: "cpu",
  };
}
