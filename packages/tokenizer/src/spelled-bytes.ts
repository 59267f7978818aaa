import { fromByteAlphabet } from "./byte-alphabet.ts";
import type { DecodingScheme } from "./tokenizer-definition.ts";

const textEncoder = new TextEncoder();
const byteToken: RegExp = /^<0x([0-9A-Fa-f]{2})>$/;

/** The UTF-8 bytes that a token stands for. */
export function spelledBytes(token: string, added: boolean, decoding: DecodingScheme): Uint8Array {
  if (decoding.type === "bytes") return added ? textEncoder.encode(token) : fromByteAlphabet(token);
  const byte = decoding.byteFallback && !(added && decoding.literalAddedTokens) ? byteToken.exec(token) : null;
  if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1] as string, 16));
  if (added && decoding.literalAddedTokens) return textEncoder.encode(token);
  return textEncoder.encode(decoding.replacements.reduce((text, { from, to }) => text.replaceAll(from, () => to), token));
}
