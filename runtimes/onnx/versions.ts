// The versions that computed a result, for its manifest's facts: equal bits are guaranteed only on one CPU
// type.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, platform } from "node:os";

export interface RuntimeFacts {
  onnxruntime: string;
  /** Model name and architecture. */
  cpu: string;
  /** Instruction sets by which onnxruntime chooses its kernels, such as `avx avx2 fma`. */
  cpuFlags: string;
  device: "cpu";
}

/** Flags by which onnxruntime's kernels for x64 and arm64 differ. */
const KERNEL_FLAGS = /^(avx|avx2|fma|f16c|avx512\w*|avx_vnni|amx_\w+|asimd\w*|sve\w*|i8mm|bf16)$/;

/** Flags of the first processor; empty if the system does not show them. */
function cpuFlags(): string {
  if (platform() !== "linux") return "";
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return line
      .split(" ")
      .filter((flag) => KERNEL_FLAGS.test(flag))
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
