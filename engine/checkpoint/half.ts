// 16-bit floating point: IEEE half (F16) and bfloat16 (BF16). Widening to float32 is exact. Narrowing rounds
// to nearest, ties to even, as in torch; numbers beyond the range of the format become infinite.

/** bfloat16 is the upper half of a float32. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}

export function widenHalf(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfToNumber(bits[i]!);
  return out;
}

/** 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function narrowBfloat16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  // Rounding up the largest numbers carries into the exponent, which makes them infinite. A NaN must not be
  // rounded.
  return Uint16Array.from(bits, (word, i) =>
    Number.isNaN(data[i]) ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16,
  );
}

export function narrowHalf(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint16Array.from(
    bits,
    (word, i) => ((word >>> 16) & 0x8000) | halfMagnitude(Math.abs(data[i]!), word & 0x7fffffff),
  );
}

function halfMagnitude(value: number, word: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (value >= 65_520) return 0x7c00;
  // Below 2^−14 halves are multiples of 2^−24; adding 2^23 makes float32 round to whole numbers.
  if (value < 2 ** -14) return Math.fround(value * 2 ** 24 + 2 ** 23) - 2 ** 23;
  const shifted = word - (112 << 23);
  return (shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13;
}
