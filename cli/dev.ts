// `ratchet dev`: Temporal, a worker and a store on this machine, until Ctrl-C.
import { resolve } from "node:path";
import type { Command } from "commander";
import { findStoreName } from "../client/find.ts";
import { STATE_FOLDER } from "../dev/dev-json.ts";
import { drainOnSignal } from "../dev/signals.ts";
import { bringUp } from "./bring-up.ts";
import { findOptions, globalsOf } from "./context.ts";
import { parseCount } from "./counts.ts";
import { json as printJson, note, suggest } from "./output.ts";
import { provideStore } from "./provide-store.ts";

interface DevFlags {
  state: string;
  port?: number;
  uiPort?: number;
  ui: boolean;
  json?: boolean;
}

export const devVerb = (program: Command): Command =>
  program
    .command("dev")
    .description("run a Temporal server and a worker on this machine until Ctrl-C")
    .option("--state <folder>", "folder for the server's database, the store and the cache", STATE_FOLDER)
    .option("--port <port>", "port of the Temporal server (default: 7233, or a free one)", parseCount)
    .option("--ui-port <port>", "port of the web UI (default: 8233, or a free one)", parseCount)
    .option("--no-ui", "without the web UI")
    .option("--json", "print the addresses as JSON when everything runs")
    .action(async ({ state, port, uiPort, ui, json }: DevFlags, command: Command) => {
      const stateDir = resolve(state);
      const store = findStoreName(findOptions(globalsOf(command))) ?? `dir:${resolve(stateDir, "store")}`;
      await provideStore(store, stateDir);
      const tree = await bringUp({ stateDir, store, ui, ports: { grpc: port, ui: uiPort } });
      const stopped = drainOnSignal(tree, {
        onDrain() {
          note("");
          note("saving running work, then stopping; Ctrl-C again stops at once");
        },
      });
      if (json)
        printJson({ address: tree.address, namespace: tree.namespace, uiUrl: tree.uiUrl, store, stateDir });
      note(
        `Temporal ${tree.address}${tree.uiUrl ? `, web UI ${tree.uiUrl}` : ""}, store ${store}; ` +
          "Ctrl-C stops everything",
      );
      suggest(["start <campaign file>", "list", "doctor"]);
      await stopped;
      note("stopped");
    });
