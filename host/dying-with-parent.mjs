// A parent killed by SIGKILL cannot kill its children, and a child in an endless loop does not notice that a
// pipe is closed. On Linux the kernel kills the child then (prctl PR_SET_PDEATHSIG, set by setpriv of
// util-linux).
import { existsSync } from "node:fs";

export const SETPRIV = "/usr/bin/setpriv";

/**
 * The command with its arguments, as a command whose process is killed when its parent ends. Unchanged if
 * there is no setpriv.
 * @param {string[]} command @param {string[]} [privileges] more arguments of setpriv @returns {string[]}
 */
export function dyingWithParent(command, privileges = []) {
  return existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL", ...privileges, "--", ...command] : command;
}
