// Pieces that crash the process that computes them. Crashes are counted across attempts, in the heartbeat. A
// suspected piece is computed last and alone; after three crashes it is given up.
import { isCoded, RatchetError } from "../../errors/index.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import type { StageContext } from "./context.ts";

/** Crashes after which a piece counts as their cause. */
const CRASHES_MAX = 3;
const CRASHES = new Set(["engine_died", "module_died"]);

type HasHeartbeat = Pick<StageContext, "heartbeat">;

export const crashesOf = ({ heartbeat }: HasHeartbeat, piece: number): number =>
  heartbeat.deaths?.[piece] ?? 0;

/** Crashes by piece. If the worker died, each piece that it was computing counts one more. */
export function crashesAfter(previous: Heartbeat | undefined): Record<number, number> {
  const crashes = { ...previous?.deaths };
  if (previous && !previous.ended)
    for (const piece of previous.begun ?? []) crashes[piece] = (crashes[piece] ?? 0) + 1;
  return crashes;
}

/** Suspected pieces come last, so that the others are finished before the next crash. */
export function suspectsLast(context: HasHeartbeat, pieces: readonly number[]): number[] {
  return [...pieces].sort((one, other) => crashesOf(context, one) - crashesOf(context, other) || one - other);
}

const asFinal = (error: Error): RatchetError =>
  new RatchetError("module_died", error.message, {
    retryable: false,
    hint: (error as RatchetError).hint,
    cause: error,
  });

/** Ends with the last suspected piece of this worker. */
let lastSuspect: Promise<unknown> = Promise.resolve();

/**
 * Computes a piece, or gives it up if it has crashed too often. Suspected pieces run one at a time in a
 * worker; otherwise a healthy piece that runs beside the crashing one is blamed too.
 */
export async function computeUnlessCrashing(
  context: HasHeartbeat,
  piece: number,
  compute: () => Promise<void>,
  giveUp: (cause: Error) => Promise<void>,
): Promise<void> {
  const crashes = crashesOf(context, piece);
  if (crashes >= CRASHES_MAX) return giveUp(new Error("its worker died"));
  const counted = (): Promise<void> =>
    compute().catch((error: unknown) => {
      if (!isCoded(error) || !CRASHES.has(error.code)) throw error;
      const last = crashes + 1 >= CRASHES_MAX;
      // The piece is not to blame, and neither is the engine: the campaign ends under the module's name.
      if (last && error.code === "module_died") throw asFinal(error);
      context.heartbeat.deaths = { ...context.heartbeat.deaths, [piece]: crashes + 1 };
      if (!last) throw error;
      return giveUp(error);
    });
  if (crashes === 0) return counted();
  const alone = lastSuspect.then(counted, counted);
  lastSuspect = alone.catch(() => undefined);
  return alone;
}
