// Gradients of several lanes added up. A loop in JavaScript takes ten times as long.
import { Graph } from "../graph/graph.ts";
import type { Session, SessionOptions } from "../graph/session.ts";
import type { Sessions } from "../graph/sessions.ts";
import { Tape } from "../ops/tape.ts";
import { chunks, view } from "./chunks.ts";

function sumGraph(): Graph {
  const t = new Tape(new Graph());
  t.graph.output("next", t.add(t.graph.input("sum", "float32", ["C"]), t.graph.input("added", "float32", ["C"])));
  return t.graph;
}

export class Sum {
  private readonly session: Session;

  private constructor(session: Session) {
    this.session = session;
  }

  /** Its session is closed by whom it belongs to. */
  static async create(sessions: Sessions, options: SessionOptions): Promise<Sum> {
    return new Sum(await sessions.open(sumGraph, [], options));
  }

  /** sum += added, rounded as single precision is. */
  async add(sum: Float32Array, added: Float32Array): Promise<void> {
    for (const [from, to] of chunks(0, sum.length)) {
      const part = view(sum, from, to);
      await this.session.raw({ sum: part, added: view(added, from, to) }, { next: part });
    }
  }
}
