import { mkdir, readFile, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { InvalidFileError, NotFoundError, UnsupportedError } from "@polywen/tensor";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "./checkpoint.ts";
import { createTestFolder, failureOf, safetensorsBytes, type TestFolder } from "./test-folder.ts";
import { writeSafetensors } from "./write-safetensors.ts";

let folder: TestFolder;
beforeEach(async () => void (folder = await createTestFolder()));
afterEach(() => folder.remove());

async function writeShard(name: string, tensor: string, value: number): Promise<string> {
  const path = join(folder.path, name);
  await writeSafetensors(path, [{ name: tensor, dtype: "F32", shape: [1], data: new Float32Array([value]) }], { from: name });
  return path;
}

const writeIndex = (weightMap: unknown): Promise<string> => folder.write("model.safetensors.index.json", JSON.stringify({ metadata: { total_size: 8 }, weight_map: weightMap }));
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.buffer);

describe("openCheckpoint", () => {
  it("opens one file, by itself or in its folder", async () => {
    const path = await writeShard("model.safetensors", "model.norm.weight", 7);
    for (const place of [path, folder.path]) {
      const checkpoint = await openCheckpoint(place);
      expect(floats(await checkpoint.read("model.norm.weight"))).toEqual(new Float32Array([7]));
    }
  });

  it("opens shards, also with tensors that the index forgot or placed wrongly", async () => {
    await writeShard("a.safetensors", "one", 1);
    await writeShard("b.safetensors", "two", 2);
    await writeIndex({ one: "b.safetensors", three: "a.safetensors" });
    const checkpoint = await openCheckpoint(folder.path);
    expect([...checkpoint.tensors.keys()]).toEqual(["one", "two"]);
    expect(floats(await checkpoint.read("two"))).toEqual(new Float32Array([2]));
    expect(await failureOf(checkpoint.read("three"))).toMatchObject({ hint: expect.stringContaining('"a.safetensors"') });
  });

  it("names tensors that differ by a prefix", async () => {
    const checkpoint = await openCheckpoint(await writeShard("x.safetensors", "model.norm.weight", 1));
    expect((await failureOf(checkpoint.read("norm.weight"))).facts).toMatchObject({ nearest: ["model.norm.weight"] });
    expect((await failureOf(checkpoint.read("thinker.model.norm.weight"))).facts).toMatchObject({ nearest: ["model.norm.weight"] });
  });

  it("refuses a tensor in two shards", async () => {
    await writeShard("a.safetensors", "one", 1);
    await writeShard("b.safetensors", "one", 2);
    await writeIndex({ one: "a.safetensors", two: "b.safetensors" });
    expect((await failureOf(openCheckpoint(folder.path))).message).toContain("b.safetensors at /one: this tensor is also in a.safetensors");
  });

  it("counts missing shards", async () => {
    await writeShard("a.safetensors", "one", 1);
    await writeIndex({ one: "a.safetensors", two: "b.safetensors", three: "c.safetensors" });
    const error = await failureOf(openCheckpoint(folder.path));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ facts: { name: "b.safetensors" }, hint: expect.stringContaining("2 of 3") });
  });

  it.each(["../outside.safetensors", "../../x", "/etc/passwd", "sub/a.safetensors", "C:\\a.safetensors", "..\\a", "..", ".", "", "a\0b", "x".repeat(300)])(
    "refuses the shard name %j",
    async (name) => {
      await writeIndex({ one: name });
      expect((await failureOf(openCheckpoint(folder.path))).facts).toMatchObject({ pointer: "/weight_map/one" });
    },
  );

  it.each([undefined, null, [], {}, { one: 3 }, { one: null }])("refuses the weight map %j", async (map) => {
    await writeIndex(map);
    expect((await failureOf(openCheckpoint(folder.path))).facts).toMatchObject({ pointer: expect.stringContaining("/weight_map") });
  });

  it("refuses pickles and says why, and reports a folder without weights", async () => {
    expect(await failureOf(openCheckpoint(folder.path))).toBeInstanceOf(NotFoundError);
    expect(await failureOf(openCheckpoint(join(folder.path, "none")))).toBeInstanceOf(NotFoundError);
    await folder.write("pytorch_model.bin", "PK\x03\x04");
    const error = await failureOf(openCheckpoint(folder.path));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.hint).toContain("can run any program");
  });

  it("notices that a file has shrunk", async () => {
    const path = await writeShard("model.safetensors", "one", 1);
    const checkpoint = await openCheckpoint(folder.path);
    await truncate(path, 20);
    expect((await failureOf(checkpoint.read("one"))).facts).toMatchObject({ file: path, offset: 20 });
  });
});

describe.skipIf(process.platform === "win32")("symbolic links", () => {
  it("follows links within the folder and in the hub's cache", async () => {
    const snapshot = join(folder.path, "snapshots", "abc");
    const blobs = join(folder.path, "blobs");
    await Promise.all([mkdir(snapshot, { recursive: true }), mkdir(blobs)]);
    const shard = await writeShard("blobs/0123", "one", 5);
    await symlink("../../blobs/0123", join(snapshot, "model.safetensors"));
    expect(floats(await (await openCheckpoint(snapshot)).read("one"))).toEqual(new Float32Array([5]));
    await symlink(shard, join(folder.path, "model.safetensors"));
    expect((await openCheckpoint(folder.path)).tensors.size).toBe(1);
  });

  it("refuses links out of the folder, for shards and for the index", async () => {
    const outside = await createTestFolder();
    try {
      const secret = await outside.write("secret.safetensors", safetensorsBytes("{}"));
      await symlink(secret, join(folder.path, "a.safetensors"));
      await writeIndex({ one: "a.safetensors" });
      expect(await failureOf(openCheckpoint(folder.path))).toMatchObject({ facts: { problem: expect.stringContaining("leads out of the folder") } });
      expect((await openCheckpoint(join(folder.path, "a.safetensors"))).tensors.size).toBe(0);
      await symlink(secret, join(folder.path, "model.safetensors"));
      expect(await failureOf(openCheckpoint(folder.path))).toBeInstanceOf(InvalidFileError);
    } finally {
      await outside.remove();
    }
  });

  it("does not take a sibling with a longer name for the folder", async () => {
    const [inside, sibling] = [join(folder.path, "model"), join(folder.path, "model-secret")];
    await Promise.all([mkdir(inside), mkdir(sibling)]);
    const secret = await folder.write("model-secret/x", safetensorsBytes("{}"));
    await symlink(secret, join(inside, "model.safetensors"));
    expect(await failureOf(openCheckpoint(inside))).toBeInstanceOf(InvalidFileError);
    expect((await readFile(secret)).length).toBe(10);
  });
});
