import { expect, it, vi } from "vitest";
import { decodeImage } from "./decode-image.ts";

vi.mock("sharp", () => {
  throw new Error("Could not load the \"sharp\" module");
});

it("names the package that files of pictures need; raw pixels need none", async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==", "base64");
  await expect(decodeImage(png)).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("Install sharp") });
  expect(await decodeImage({ data: new Uint8Array(3), width: 1, height: 1, channels: 3 })).toMatchObject({ width: 1, height: 1 });
});
