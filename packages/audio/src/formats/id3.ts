/** Bytes of the ID3 tags before the sound; they hold texts and pictures and may be larger than it. */
export function id3Length(bytes: Uint8Array): number {
  let at = 0;
  while (at + 10 <= bytes.length && bytes[at] === 0x49 && bytes[at + 1] === 0x44 && bytes[at + 2] === 0x33) {
    // Four times seven bits; a flag announces ten more bytes after the tag.
    const length = bytes.subarray(at + 6, at + 10).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
    at += 10 + length + ((bytes[at + 5]! & 0x10) === 0 ? 0 : 10);
  }
  return Math.min(at, bytes.length);
}
