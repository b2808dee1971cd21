// What a training works with and the next one of the same graphs goes on with: sessions, and the threads of further lanes with theirs.
// Who hands one workshop to several trainings, one at a time, saves each but the first the time of opening them.
import { Sessions } from "../graph/sessions.ts";
import { LaneThread } from "./lane-thread.ts";

export class Workshop {
  /** Those of the training loop's thread. */
  readonly sessions = new Sessions();
  private readonly threads: LaneThread[] = [];
  private taken = 0;
  private openedInLanes = 0;

  /** The threads of so many further lanes. */
  lanes(count: number): readonly LaneThread[] {
    this.taken = Math.max(this.taken, count);
    while (this.threads.length < count) this.threads.push(new LaneThread());
    return this.threads.slice(0, count);
  }

  /** Sessions opened so far, in lanes up to the last `tidy`. */
  get opened(): number {
    return this.sessions.opened + this.openedInLanes;
  }

  /** After a training: closes what it did not use, so that never more than one training's is kept. */
  async tidy(): Promise<void> {
    const idle = this.threads.splice(this.taken);
    this.taken = 0;
    await Promise.all(idle.map((thread) => thread.close()));
    await this.sessions.closeUnused();
    const opened = await Promise.all(this.threads.map((thread) => thread.ask("tidy", undefined)));
    this.openedInLanes += opened.reduce((total, count) => total + count, 0);
  }

  /** Closes everything; who uses it again opens anew. */
  async close(): Promise<void> {
    await Promise.all(this.threads.splice(0).map((thread) => thread.close()));
    await this.sessions.close();
  }
}
