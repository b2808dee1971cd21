// `ratchet label` as a process that tests kill and start again on the same port.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { collect } from "./ratchet-command.ts";
import type { Workplace } from "./ratchet-command.ts";

export class LabelServerProcess {
  private readonly place: Workplace;
  private readonly campaignId: string;
  private child: ChildProcess | undefined;
  /** Of the first start on. */
  port = "0";
  /** Of the last start. */
  stderr = "";

  /** The place's store has the campaign. */
  constructor(place: Workplace, campaignId = "done") {
    this.place = place;
    this.campaignId = campaignId;
  }

  /** Returns the new link of the labeler; empty if an earlier one is still good. */
  async start(labeler: string): Promise<string> {
    const child = this.place.start(["label", this.campaignId, "--labelers", labeler, "--port", this.port]);
    this.child = child;
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    while (!stderr.text.includes(`people label ${this.campaignId} on`)) {
      if (child.exitCode !== null) throw new Error(stderr.text);
      await delay(50);
    }
    this.stderr = stderr.text;
    this.port = /127\.0\.0\.1:(\d+)/.exec(stderr.text)![1]!;
    return /(http\S+)/.exec(stdout.text)?.[1] ?? "";
  }

  get pid(): number {
    return this.child!.pid!;
  }

  async kill(): Promise<void> {
    const ended = once(this.child!, "exit");
    this.child!.kill("SIGKILL");
    await ended;
  }

  async revoke(labeler: string): Promise<void> {
    const { exit, stderr } = await this.place.run("label", this.campaignId, "--revoke", labeler);
    if (exit !== 0) throw new Error(stderr);
  }
}
