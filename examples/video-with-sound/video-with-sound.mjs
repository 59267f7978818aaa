import { loadModel, video } from "polywen";

/**
 * 84 × 84 pixels: a dark square that falls, on white.
 * @param {number} top
 * @returns {Parameters<typeof import("polywen").image>[0]}
 */
function frame(top) {
  const [side, data] = [84, new Uint8Array(84 * 84 * 3).fill(255)];
  for (let y = top; y < top + 24; y++) data.fill(40, (y * side + 30) * 3, (y * side + 54) * 3);
  return { data, width: side, height: side, channels: 3 };
}

const model = await loadModel("polywen/tiny");
const frames = [0, 15, 30, 45, 60].map(frame);
const sound = new URL("../media/spoken-digit.wav", import.meta.url);
const silent = await model.generate([video(frames, { fps: 2 }), "What do you see?"], { maxTokens: 10 });
const { text, usage } = await model.generate([video(frames, { fps: 2, sound }), "What is spoken meanwhile?"], { maxTokens: 10 });
console.log(`${silent.usage.mediaTokens} rows without its sound, ${usage.mediaTokens} with it. This model has never seen a video, so its answer is a guess: ${text}`);
await model.dispose();
