/**
 * The alphabet of byte-level BPE: one printable character for each byte. Printable bytes of Latin-1 stand for themselves, the other
 * 68 bytes, in increasing order, are U+0100, U+0101, … (a space is `Ġ`, a newline `Ċ`).
 */
const characterOfByte: readonly string[] = makeAlphabet();

const byteOfCharacter: ReadonlyMap<string, number> = new Map(characterOfByte.map((character, byte) => [character, byte]));

const encoder = new TextEncoder();

/** The character that stands for `byte` (0 to 255). */
export function byteCharacter(byte: number): string {
  return characterOfByte[byte] as string;
}

/** Text written in the byte alphabet, one character for each of `bytes`. */
export function toByteAlphabet(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += characterOfByte[byte];
  return text;
}

/** The bytes that a vocabulary entry stands for. An entry with a character outside the alphabet is literal text. */
export function fromByteAlphabet(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let index = 0; index < token.length; index += 1) {
    const byte = byteOfCharacter.get(token.charAt(index));
    if (byte === undefined) return encoder.encode(token);
    bytes[index] = byte;
  }
  return bytes;
}

function makeAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
}
