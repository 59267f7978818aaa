import sharp from "sharp";
import { expect, test } from "vitest";
import type { RawPixels } from "../rgb-image.ts";
import { preprocessVideo } from "./video-processor.ts";

const config = {
  type: "Qwen2VLVideoProcessor", doConvertRgb: true, doResize: true, resample: 3, doRescale: true, rescaleFactor: 1 / 255, doNormalize: true,
  imageMean: [0.5, 0.5, 0.5], imageStd: [0.5, 0.5, 0.5], patchSize: 4, temporalPatchSize: 2, mergeSize: 2, minPixels: 64, maxPixels: 1024,
} as const;
const options = { size: () => ({ width: 16, height: 8 }) };

/** Two colours only, so that a palette keeps them. */
function frame(left: number): RawPixels {
  const data = new Uint8Array(16 * 8 * 3);
  for (let y = 0; y < 8; y++) data.fill(255, (y * 16 + left) * 3, (y * 16 + left + 4) * 3);
  return { data, width: 16, height: 8, channels: 3 };
}

test("frames share patches; an odd last one is repeated", async () => {
  const two = await preprocessVideo({ frames: [frame(0), frame(4)] }, config, options);
  const three = await preprocessVideo({ frames: [frame(0), frame(4), frame(8)], fps: 5 }, config, options);
  const last = await preprocessVideo({ frames: [frame(8), frame(8)] }, config, options);
  expect([two.grid, three.grid]).toEqual([{ t: 1, h: 2, w: 4 }, { t: 2, h: 2, w: 4 }]);
  expect([two.fps, three.fps, three.frames]).toEqual([2, 5, 3]);
  expect([...three.pixelValues]).toEqual([...two.pixelValues, ...last.pixelValues]);
  // (channel, frame, y, x): of the first patch the first frame is white, the second black.
  expect([...two.pixelValues.subarray(0, 32)]).toEqual([...new Array(16).fill(1), ...new Array(16).fill(-1)]);
});

test("an animation is the list of its frames at its own speed", async () => {
  const frames = [frame(0), frame(4), frame(8)];
  const pages = Buffer.concat(frames.map(({ data }) => Buffer.from(data)));
  const gif = await sharp(pages, { raw: { width: 16, height: 24, channels: 3, pageHeight: 8 } }).gif({ delay: [200, 300, 250], loop: 0 }).toBuffer();
  const [animation, list] = [await preprocessVideo({ frames: gif }, config, options), await preprocessVideo({ frames }, config, options)];
  expect(animation.fps).toBeCloseTo(4, 10);
  expect((await preprocessVideo({ frames: gif, fps: 1 }, config, options)).fps).toBe(1);
  expect(animation.pixelValues).toEqual(list.pixelValues);
});

test.each([
  [{ frames: [] }, "ARGUMENT_INVALID"],
  [{ frames: [frame(0), { ...frame(0), width: 8, height: 16 }] }, "ARGUMENT_INVALID"],
  [{ frames: [frame(0)], fps: 1e-5 }, "ARGUMENT_INVALID"],
  [{ frames: new Array(769).fill(frame(0)) }, "LIMIT_EXCEEDED"],
])("case %# is refused", async (input, code) => {
  await expect(preprocessVideo(input, config, options)).rejects.toMatchObject({ code });
});

test("all frames together may take as much memory as the largest picture", async () => {
  const limits = { maxResizedPixels: 16 * 8 * 2 };
  const film = (count: number) => preprocessVideo({ frames: new Array(count).fill(frame(0)) }, config, { ...options, limits });
  expect((await film(4)).frames).toBe(4);
  await expect(film(5)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 512, received: 640 } });
});
