/** AWQ's word of eight outputs holds them in this order, from the lowest nibble on. */
export const awqOrder = [0, 2, 4, 6, 1, 3, 5, 7] as const;

/**
 * AWQ's codes [width, out / 8], whose words hold eight outputs of one input, as GPTQ packs them: [ceil(width / 8), out], words
 * of eight inputs of one output. Missing inputs of the last words are zeros.
 */
export function turnAwqWords(words: Int32Array, width: number, out: number): Int32Array {
  const columns = out / 8;
  const turned = new Int32Array(Math.ceil(width / 8) * out);
  const whole = width - (width % 8);
  for (let top = 0; top < whole; top += 8) turnStrip(words, top * columns, columns, turned, (top / 8) * out);
  if (whole < width) {
    const rest = new Int32Array(out);
    rest.set(words.subarray(whole * columns));
    turnStrip(rest, 0, columns, turned, (whole / 8) * out);
  }
  return turned;
}

/** Transposes tiles of eight words by eight nibbles: nibbles change places across distances of one, two and four. In locals, for speed. */
function turnStrip(words: Int32Array, from: number, columns: number, turned: Int32Array, to: number): void {
  for (let at = from, target = to; at < from + columns; at++, target += 8) {
    let a = words[at]!;
    let b = words[at + columns]!;
    let c = words[at + 2 * columns]!;
    let d = words[at + 3 * columns]!;
    let e = words[at + 4 * columns]!;
    let f = words[at + 5 * columns]!;
    let g = words[at + 6 * columns]!;
    let h = words[at + 7 * columns]!;
    let swap = 0;
    swap = ((a >>> 4) ^ b) & 0x0f0f0f0f;
    b ^= swap;
    a ^= swap << 4;
    swap = ((c >>> 4) ^ d) & 0x0f0f0f0f;
    d ^= swap;
    c ^= swap << 4;
    swap = ((e >>> 4) ^ f) & 0x0f0f0f0f;
    f ^= swap;
    e ^= swap << 4;
    swap = ((g >>> 4) ^ h) & 0x0f0f0f0f;
    h ^= swap;
    g ^= swap << 4;
    swap = ((a >>> 8) ^ c) & 0x00ff00ff;
    c ^= swap;
    a ^= swap << 8;
    swap = ((b >>> 8) ^ d) & 0x00ff00ff;
    d ^= swap;
    b ^= swap << 8;
    swap = ((e >>> 8) ^ g) & 0x00ff00ff;
    g ^= swap;
    e ^= swap << 8;
    swap = ((f >>> 8) ^ h) & 0x00ff00ff;
    h ^= swap;
    f ^= swap << 8;
    swap = ((a >>> 16) ^ e) & 0xffff;
    e ^= swap;
    a ^= swap << 16;
    swap = ((b >>> 16) ^ f) & 0xffff;
    f ^= swap;
    b ^= swap << 16;
    swap = ((c >>> 16) ^ g) & 0xffff;
    g ^= swap;
    c ^= swap << 16;
    swap = ((d >>> 16) ^ h) & 0xffff;
    h ^= swap;
    d ^= swap << 16;
    // As `awqOrder` says.
    turned[target] = a;
    turned[target + 2] = b;
    turned[target + 4] = c;
    turned[target + 6] = d;
    turned[target + 1] = e;
    turned[target + 3] = f;
    turned[target + 5] = g;
    turned[target + 7] = h;
  }
}
