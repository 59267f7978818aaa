import type { Random } from "../random.ts";
import { mutateBytes } from "./mutate-bytes.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values at which readers of JSON go wrong. */
function hostileValue(random: Random): Json {
  return random.pick<() => Json>([
    () => null,
    () => random.once(2),
    () => random.pick([0, -1, 0.5, 1, 2, 7, 255, 1e9, 2 ** 31, 2 ** 32, 2 ** 53, 1e21, 1e300, -1e300]),
    () => random.pick(["", " ", "\u0000", "\ud800", "__proto__", "constructor", "../../x", "a".repeat(300), "▁", "Ġ", "\u001b[2J", "(a+)+$", "[^", "\\p{L}+", "yarn", "llama3", "F32", "BF16"]),
    () => [],
    () => ({}),
    () => Array.from({ length: random.short(64) }, () => random.below(9)),
    () => nested(random.pick([2, 9, 65, 600])),
  ])();
}

function nested(depth: number): Json {
  let value: Json = 0;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { normalizers: value };
  return value;
}

/** Where a value stands: what holds it, and under which key. */
interface Place {
  readonly holder: { [key: string]: Json };
  readonly key: string;
}

/** A way down that is as likely to end high up as deep down, however wide the tree is. */
function somewhere(root: { [key: string]: Json }, random: Random): Place {
  let place: Place = { holder: root, key: "root" };
  for (let depth = 0; ; depth++) {
    const value = place.holder[place.key]!;
    if (typeof value !== "object" || value === null || random.once(depth === 0 ? 50 : 4)) return place;
    const keys = Object.keys(value);
    if (keys.length === 0) return place;
    place = { holder: value as { [key: string]: Json }, key: random.pick(keys) };
  }
}

function change(root: { [key: string]: Json }, random: Random, other: Json): void {
  const { holder, key } = somewhere(root, random);
  const value = holder[key]!;
  const elsewhere = somewhere({ root: random.once(2) ? other : root["root"]! }, random);
  const copied = (): Json => structuredClone(elsewhere.holder[elsewhere.key] ?? null);
  random.pick([
    () => (holder[key] = hostileValue(random)),
    () => (holder[key] = copied()),
    () => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
    () => (Array.isArray(holder) ? holder.splice(random.below(holder.length + 1), 0, copied()) : (holder[random.once(3) ? String(hostileValue(random)) : elsewhere.key] = copied())),
    () => (typeof value === "number" ? (holder[key] = random.pick([value + 1, value - 1, -value, value * 2, value / 2, value + 2 ** 32])) : (holder[key] = [value])),
    () => (typeof value === "string" ? (holder[key] = mutateBytes(Buffer.from(value), random, Buffer.from("Ġ▁<0x0A>")).toString()) : (holder[key] = hostileValue(random))),
  ])();
}

/** Changes the tree of a JSON text; a text that is none is changed as bytes. `other` is another text, parts of which may be taken over. */
export function mutateJson(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const root = { root: parsed(bytes)! };
  if (root.root === undefined || random.once(10)) return mutateBytes(bytes, random, other);
  for (let round = 1 + random.below(3); round > 0; round--) change(root, random, parsed(other) ?? null);
  const text = JSON.stringify(root.root ?? null);
  // A key twice cannot be said by an object.
  return Buffer.from(random.once(12) ? text.replace(/"([^"\\]+)":/, '"$1":0,"$1":') : text);
}

function parsed(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}
