// A spec has a few levels. Deeper values, and those that contain themselves, would overflow the stack of the
// code that checks them.
import { RatchetError } from "../../errors/index.ts";

const DEPTH_MAX = 32;
/** Values in all. A spec has some hundreds. */
const VALUES_MAX = 100_000;

/** Throws `spec_unreadable`. */
export function refuseDeep(written: unknown, path: string): void {
  let level = [written];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    const fault =
      depth > DEPTH_MAX
        ? `nests values more than ${DEPTH_MAX} deep`
        : values > VALUES_MAX
          ? `holds more than ${VALUES_MAX} values`
          : undefined;
    if (fault !== undefined) throw new RatchetError("spec_unreadable", `${path} ${fault}`, { file: path });
    level = level.flatMap(inside);
  }
}

const inside = (value: unknown): unknown[] =>
  typeof value === "object" && value !== null ? Object.values(value) : [];
