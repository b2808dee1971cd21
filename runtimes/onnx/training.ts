import type { Methods } from "./protocol.ts";
import type { WorkHooks } from "./inference.ts";
export async function train(_request: Methods["train"]["args"], _threads: number, _hooks: WorkHooks & { onCheckpoint(checkpoint: { step: number; dir: string }): void }): Promise<Methods["train"]["result"]> {
  throw new Error("pending merge");
}
