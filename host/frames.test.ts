import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { frame, FRAME_BYTES_MAX, FrameError, FrameReader } from "./frames.mjs";

it("frames arrive whole and in order, however their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), fc.nat(40), (sent, size) => {
      const bytes = Buffer.concat(sent.map(frame));
      const reader = new FrameReader();
      const read: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size + 1)
        read.push(...reader.push(bytes.subarray(at, at + size + 1)));
      assert.deepEqual(
        read.map((content) => [...content]),
        sent.map((content) => [...content]),
      );
    }),
  );
});

it("a length beyond the limit is refused before its bytes arrive, after the frames before it", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  const frames = new FrameReader().push(Buffer.concat([frame(Buffer.from("a")), header]));
  assert.equal(String(frames.next().value), "a");
  assert.throws(() => frames.next(), FrameError);
  assert.throws(() => frame({ length: FRAME_BYTES_MAX + 1 } as Uint8Array), FrameError);
});
