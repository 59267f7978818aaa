import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** For tests: the noise of `scripts/make-goldens.py`, interleaved levels of `count` bytes. */
export function seededNoise(count: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** For tests: a file that `scripts/make-goldens.py` wrote. */
export function readGoldens<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`goldens/${name}.json`, import.meta.url), "utf8")) as T;
}

/** For tests: the SHA-256 of an array's bytes, in hexadecimal. */
export function sha256(array: Uint8Array | Float32Array): string {
  return createHash("sha256").update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).digest("hex");
}
