/**
 * Decodes and preprocesses images for compare-preprocessing.py: a JSON request a line on stdin, a JSON answer a line on stdout.
 *
 * { "path", "pixels", "configs": { name: config }, "values": { name: path } }
 *   → { "size": [width, height], "grids": { name: [t, h, w] } }, or { "error": { "code", "message" } }
 *
 * The decoded pixels go to the file `pixels`, the patches of each configuration to its file in `values`.
 */
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { decodeImage, preprocessImage } from "@polywen/vision";

/**
 * @typedef {import("@polywen/formats").ImageProcessorConfig} Config
 * @param {{ path: string, pixels: string, configs: Record<string, Config>, values: Record<string, string> }} request
 */
async function preprocess({ path, pixels, configs, values }) {
  const image = await decodeImage(path);
  await writeFile(pixels, image.data);
  /** @type {Record<string, number[]>} */
  const grids = {};
  for (const [name, config] of Object.entries(configs)) {
    const { grid, pixelValues } = await preprocessImage({ ...image, channels: 3 }, config);
    grids[name] = [grid.t, grid.h, grid.w];
    await writeFile(/** @type {string} */ (values[name]), pixelValues);
  }
  return { size: [image.width, image.height], grids };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await preprocess(JSON.parse(line)).catch(({ code, message }) => ({ error: { code, message } }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
