/** AWQ's word of eight outputs holds them in this order, from the lowest nibble on. */
export const awqOrder = [0, 2, 4, 6, 1, 3, 5, 7] as const;

/**
 * AWQ's codes [width, out / 8], whose words hold eight outputs of one input, as GPTQ packs them: [ceil(width / 8), out], words
 * of eight inputs of one output. Each tile of eight words by eight nibbles is transposed.
 */
export function turnAwqWords(words: Int32Array, width: number, out: number): Int32Array {
  const columns = out / 8;
  const turned = new Int32Array(Math.ceil(width / 8) * out);
  const tile = new Int32Array(8);
  for (let top = 0; top < width; top += 8) {
    const rows = Math.min(8, width - top);
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < 8; row++) tile[row] = row < rows ? words[(top + row) * columns + column]! : 0;
      exchange(tile, 1, 0x0f0f0f0f);
      exchange(tile, 2, 0x00ff00ff);
      exchange(tile, 4, 0x0000ffff);
      const at = (top / 8) * out + 8 * column;
      for (let nibble = 0; nibble < 8; nibble++) turned[at + awqOrder[nibble]!] = tile[nibble]!;
    }
  }
  return turned;
}

/** Exchanges the parts off the diagonal of all squares of `2 × distance` nibbles. `mask` covers the lower part of each pair. */
function exchange(tile: Int32Array, distance: number, mask: number): void {
  const shift = 4 * distance;
  for (let row = 0; row < 8; row++) {
    if ((row & distance) !== 0) continue;
    const difference = ((tile[row]! >>> shift) ^ tile[row + distance]!) & mask;
    tile[row + distance]! ^= difference;
    tile[row]! ^= difference << shift;
  }
}
