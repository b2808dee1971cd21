import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { FRAME_BYTES_MAX, FrameError } from "../../host/frames.mjs";
import { framed, MessageReader } from "./frames.ts";

it("messages arrive whole and in order, however their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.json().map((text) => JSON.parse(text) as unknown)), fc.nat(40), (sent, size) => {
      const bytes = Buffer.concat(sent.map(framed));
      const reader = new MessageReader();
      const read: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size + 1)
        read.push(...reader.push(bytes.subarray(at, at + size + 1)));
      assert.deepEqual(read, JSON.parse(JSON.stringify(sent)));
    }),
  );
});

it("any other bytes are refused or waited for, never read as a message of the module's choice", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      try {
        new MessageReader().push(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
    { numRuns: 2000 },
  );
});

it("a length beyond the limit is refused, with the message before it in the same bytes", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  assert.throws(() => new MessageReader().push(Buffer.concat([framed("ready"), header])), FrameError);
});
