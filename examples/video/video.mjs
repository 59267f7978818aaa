import { loadModel, video } from "polywen";

/**
 * 84 × 84 pixels: a dark square, so far from the left, on white.
 * @param {number} left
 * @returns {Parameters<typeof import("polywen").image>[0]}
 */
function frame(left) {
  const [side, data] = [84, new Uint8Array(84 * 84 * 3).fill(255)];
  for (let y = 30; y < 54; y++) data.fill(40, (y * side + left) * 3, (y * side + left + 24) * 3);
  return { data, width: side, height: side, channels: 3 };
}

const model = await loadModel("polywen/tiny");
const frames = [0, 15, 30, 45, 60].map(frame);
const { text, usage } = await model.generate([video(frames, { fps: 2 }), "What do you see?"], { maxTokens: 30 });
console.log(`${frames.length} frames took ${usage.mediaTokens} of ${usage.promptTokens} rows. This model has only ever seen pictures, so its answer is a guess: ${text}`);
await model.dispose();
