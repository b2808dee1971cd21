// What compiling opens and has to close: a scratch folder and encoders.
import { openScratch } from "../host/scratch.mjs";
import type { Scratch } from "../host/scratch.mjs";
import { Encoder } from "../runtimes/encoder/index.ts";
import type { Policy } from "./policy.ts";

export class Workroom {
  private readonly scratch: Scratch = openScratch();
  private readonly encoders: Encoder[] = [];

  /** A folder. */
  get dir(): string {
    return this.scratch.dir;
  }

  async encoder({ dir, config, name }: Policy): Promise<Encoder> {
    const encoder = await Encoder.open(dir, config, name).catch((error: Error) => {
      // The author knows the folder that the files were copied from.
      error.message = error.message.replaceAll(dir, name);
      throw error;
    });
    this.encoders.push(encoder);
    return encoder;
  }

  async close(): Promise<void> {
    await Promise.all(this.encoders.map((encoder) => encoder.close()));
    this.scratch.release();
  }
}
