import { video, type MediaPart } from "polywen";
import { animatedGif } from "../../../packages/vision/src/testing.ts";
import { failure, result, type HostileCase, type Outcome } from "../hostile-case.ts";
import { animatedWebp, isoFile, picture } from "../inputs/images.ts";
import { askAbout, mediumCase, openModel } from "./model-calls.ts";

/** Raw pixels of one colour. */
function frame(side: number): { data: Uint8Array; width: number; height: number; channels: 3 } {
  return { data: new Uint8Array(side * side * 3).fill(90), width: side, height: side, channels: 3 };
}

/** A case of videos asked of the embedded model. All of them must end the same way. */
function videos(id: string, input: string, make: () => readonly MediaPart[], outcome: Outcome): HostileCase {
  return { id, input, model: () => openModel("polywen/tiny"), attempts: (_, model) => make().map((part) => () => askAbout(model, part)), outcome };
}

const invalid = failure("ARGUMENT_INVALID");

/** Videos: what is asked of a list of frames, and what it may cost. */
export const videoCases: readonly HostileCase[] = [
  videos("77a", "a video of no frames", () => [video([])], invalid),
  videos("77b", "frames that are neither a list nor a picture", () => [7, null, undefined, {}].map((frames) => video(frames as never)), invalid),
  videos("77c", "frames of two sizes", () => [video([frame(28), frame(28), frame(56)])], invalid),
  videos("77d", "0, negative, infinite, tiny, huge frames in a second, or a text", () => [0, -1, Infinity, NaN, 1e-9, 1e9, "2"].map((fps) => video([frame(28)], { fps: fps as number })), invalid),
  videos("77e", "769 frames", () => [video(new Array(769).fill(frame(28)))], failure("LIMIT_EXCEEDED")),
  videos("77f", "768 small frames that the model would have enlarged", () => [video(new Array(768).fill(frame(28)))], failure("LIMIT_EXCEEDED")),
  mediumCase("77g", "half a PNG as the second frame", async () => ({ "a.png": (await picture("png")).subarray(0, 60) }), failure("FILE_INVALID", { file: "a.png", place: "end of the file" }), (path) => video([frame(8), path])),
  mediumCase("77h", "a GIF of 10,000 frames as a video", async () => ({ "a.gif": animatedGif(8, 8, 10_000) }), failure("LIMIT_EXCEEDED", { file: "a.gif" }), (path) => video(path)),
  mediumCase("77i", "a WebP of 10,000 frames as a video", async () => ({ "a.webp": await animatedWebp(10_000) }), failure("LIMIT_EXCEEDED", { file: "a.webp" }), (path) => video(path)),
  mediumCase("77j", "animations whose frames last no time", async () => ({ "a.gif": animatedGif(8, 8, 3), "a.webp": await animatedWebp(3) }), result("two frames a second", { mediaTokens: 288 }), (path) => video(path)),
  mediumCase("77k", "an MP4, for which there is no decoder", async () => ({ "a.mp4": isoFile("isom") }), failure("UNSUPPORTED", { file: "a.mp4" }), (path) => video(path)),
  videos("77l", "what is no sound as the sound of a video", () => [7, null, {}].map((sound) => video([frame(28)], { sound: sound as never })), invalid),
  mediumCase("77m", "half a WAV as the sound of a video", async () => ({ "a.wav": Buffer.from("RIFF\x40\0\0\0WAVEfmt \x10\0\0\0", "latin1") }), failure("FILE_INVALID", { file: "a.wav", place: "end of the file" }), (path) => video([frame(28)], { sound: path })),
];
