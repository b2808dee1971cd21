import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { frame, FRAME_BYTES_MAX, FrameError, FrameReader } from "./frames.ts";

it("messages arrive whole and in order, however their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.json().map((text) => JSON.parse(text) as unknown)), fc.nat(40), (sent, size) => {
      const bytes = Buffer.concat(sent.map(frame));
      const reader = new FrameReader();
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
        new FrameReader().push(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
    { numRuns: 2000 },
  );
});

it("a length beyond the limit is refused before its bytes arrive", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  assert.throws(() => new FrameReader().push(header), FrameError);
});
