import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openCheckpoint } from "@polywen/formats";
import { EMBEDDED_MODEL, inspectMedia, inspectModel, loadModel, openTokenizer } from "polywen";
import { cli, cliJson } from "../test-cli.ts";
import { pngFile, wavFile } from "../test-media.ts";

vi.setConfig({ testTimeout: 120_000 });

interface RunReply {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly promptTokenIds: readonly number[];
  readonly finishReason: string;
  readonly usage: { readonly promptTokens: number; readonly mediaTokens: number; readonly generatedTokens: number };
  readonly timings: { readonly totalMs: number };
  readonly tokens?: readonly { readonly id: number; readonly logprob: number; readonly top: readonly { readonly id: number }[] }[];
  readonly warnings: readonly string[];
}

const reference = ["--backend", "reference"];
const greedy = [...reference, "--temperature", "0", "--repetition-penalty", "1"];
let folder: string;
let imageFile: string;
let audioFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-cli-"));
  imageFile = join(folder, "square.png");
  audioFile = join(folder, "tone.wav");
  await writeFile(imageFile, pngFile(32));
  await writeFile(audioFile, wavFile(400));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("polywen run", () => {
  it("streams the text that --json reports", async () => {
    const args = ["run", EMBEDDED_MODEL, "What is it?", ...greedy, "--max-tokens", "8"];
    const streamed = await cli(args);
    const reply = await cliJson<RunReply>([...args, "--logprobs", "2"]);
    expect(streamed).toMatchObject({ exitCode: 0, stdout: `${reply.text}\n`, stderr: "" });
    expect(reply).toMatchObject({ warnings: [], usage: { promptTokens: reply.promptTokenIds.length, mediaTokens: 0, attendedTokens: 0, generatedTokens: reply.tokenIds.length, mediaCacheHits: 0 } });
    expect(reply.timings.totalMs).toBeGreaterThan(0);
    expect(reply.tokens!.map(({ id }) => id)).toEqual(reply.tokenIds);
    for (const { id, top } of reply.tokens!) {
      expect(top).toHaveLength(2);
      expect(top[0]!.id).toBe(id);
    }
  });

  it("takes media in the order of the command line, before the text", async () => {
    const tokenizer = await openTokenizer(EMBEDDED_MODEL);
    const [picture, sound] = ["<|IMAGE|>", "<|AUDIO|>"].map((token) => tokenizer.tokenToId(token)!);
    const ask = (media: readonly string[]): Promise<RunReply> => cliJson(["run", EMBEDDED_MODEL, "Say.", ...media, ...reference, "--max-tokens", "1"]);
    const order = ({ promptTokenIds }: RunReply): number[] =>
      promptTokenIds.filter((id) => id === picture || id === sound).filter((id, index, all) => id !== all[index - 1]);
    const media = { image: ["--image", imageFile], audio: ["--audio", audioFile] };
    expect(order(await ask([...media.audio, ...media.image]))).toEqual([sound, picture]);
    expect(order(await ask([...media.image, ...media.audio, ...media.image]))).toEqual([picture, sound, picture]);
  });

  it("takes a folder of frames as a video, and writes what logits make of them", async () => {
    // A video is 144 rows: on the native backend, where there is one.
    const frames = await mkdtemp(join(folder, "frames-"));
    for (const [index, size] of [28, 32, 28].entries()) await writeFile(join(frames, `frame-${9 + index}.png`), pngFile(size));
    const ask = ["run", EMBEDDED_MODEL, "Say.", "--video", frames, "--fps", "1", "--max-tokens", "1", "--json"];
    // 9, 10, 11: by number, so that the second is the one of another size.
    expect(JSON.parse((await cli(ask)).stdout)).toMatchObject({ error: { code: "ARGUMENT_INVALID", facts: { argument: "video.frames[1]" } } });
    await writeFile(join(frames, "frame-10.png"), pngFile(28));
    await rm(join(frames, "frame-11.png"));
    expect((JSON.parse((await cli(ask)).stdout) as RunReply).usage.mediaTokens).toBe(144);
    const [input, output] = [join(folder, "video.json"), join(folder, "video.safetensors")];
    const placeholder = (await openTokenizer(EMBEDDED_MODEL)).tokenToId("<|VIDEO|>");
    await writeFile(input, JSON.stringify({ ids: [641, placeholder], videos: [{ frames: [9, 10].map((number) => join(frames, `frame-${number}.png`)), fps: 1 }] }));
    await cli(["logits", EMBEDDED_MODEL, "--input", input, "--output", output]);
    const { tensors } = await openCheckpoint(output);
    expect(tensors.get("video_features")!.shape).toEqual([144, 192]);
    expect(tensors.get("pixel_values_videos")!.shape).toEqual([576, 1176]);
  });

  it("takes the sound of a video beside it", async () => {
    const frames = await mkdtemp(join(folder, "seen-"));
    for (const index of [1, 2]) await writeFile(join(frames, `${index}.png`), pngFile(28));
    const ask = ["run", EMBEDDED_MODEL, "Say.", "--video", frames, "--sound", audioFile, ...reference, "--max-tokens", "1", "--json"];
    const { usage } = JSON.parse((await cli(ask)).stdout) as RunReply;
    expect(usage.mediaTokens).toBeGreaterThan(144);
    expect((await cli([...ask, "--video", frames])).exitCode).toBe(2);
    const [input, output] = [join(folder, "seen.json"), join(folder, "seen.safetensors")];
    const placeholder = (await openTokenizer(EMBEDDED_MODEL)).tokenToId("<|VIDEO|>");
    await writeFile(input, JSON.stringify({ ids: [641, placeholder], videos: [{ frames: [join(frames, "1.png")], sound: audioFile }] }));
    await cli(["logits", EMBEDDED_MODEL, "--input", input, "--output", output, ...reference]);
    const { tensors } = await openCheckpoint(output);
    expect(tensors.get("audio_features")!.shape).toEqual([usage.mediaTokens - 144, 192]);
    expect(tensors.get("ids")!.shape).toEqual([1 + usage.mediaTokens + 2]);
  });

  it("reads the prompt from stdin and ends at a stop text", async () => {
    const args = [...greedy, "--max-tokens", "4"];
    const whole = await cliJson<RunReply>(["run", EMBEDDED_MODEL, "-", ...args], "What is it?");
    expect(whole.promptTokenIds).toEqual((await cliJson<RunReply>(["run", EMBEDDED_MODEL, "What is it?", ...args])).promptTokenIds);
    const stop = whole.text.slice(0, 1);
    expect(await cliJson<RunReply>(["run", EMBEDDED_MODEL, "What is it?", ...args, "--stop", stop])).toMatchObject({ text: "", finishReason: "stop" });
  });
});

describe("polywen logits", () => {
  it("continues the very prompt of run with the same tokens, and writes what led there", async () => {
    const reply = await cliJson<RunReply>(["run", EMBEDDED_MODEL, "What?", "--image", imageFile, "--audio", audioFile, ...greedy, "--kv", "f32", "--max-tokens", "5"]);
    const tokenizer = await openTokenizer(EMBEDDED_MODEL);
    const placeholders = ["<|IMAGE|>", "<|AUDIO|>"].map((token) => tokenizer.tokenToId(token)!);
    const ids = reply.promptTokenIds.filter((id, index, all) => !placeholders.includes(id) || all[index - 1] !== id);
    const [input, output] = [join(folder, "in.json"), join(folder, "out.safetensors")];
    await writeFile(input, JSON.stringify({ ids, images: ["square.png"], audios: ["tone.wav"], maxTokens: 5, note: "ignored" }));
    const summary = await cliJson<{ greedy: number[] }>(["logits", EMBEDDED_MODEL, "--input", input, "--output", output, ...reference]);

    const file = await openCheckpoint(output);
    const read = async (name: string): Promise<Int32Array> => new Int32Array((await file.read(name)).slice().buffer);
    expect(Array.from(await read("ids"))).toEqual(reply.promptTokenIds);
    expect(Array.from(await read("greedy"))).toEqual(summary.greedy);
    expect(summary.greedy.slice(0, reply.tokenIds.length)).toEqual(reply.tokenIds);
    const shapes = Object.fromEntries([...file.tensors].map(([name, { dtype, shape }]) => [name, [dtype, ...shape]]));
    const rows = ids.length - 2 + reply.usage.mediaTokens;
    const { vocabularySize, hiddenSize } = (await cliJson<{ architecture: { vocabularySize: number; hiddenSize: number } }>(["inspect", EMBEDDED_MODEL])).architecture;
    const images = reply.promptTokenIds.filter((id) => id === placeholders[0]).length;
    expect(shapes).toEqual({
      ids: ["I32", rows],
      logits: ["F32", rows, vocabularySize],
      greedy: ["I32", 5],
      positions: ["I32", 3, rows],
      pixel_values: ["F32", 4 * images, 1176],
      image_features: ["F32", images, hiddenSize],
      input_features: ["F32", 1, 128, 40],
      audio_features: ["F32", reply.usage.mediaTokens - images, hiddenSize],
    });
  });

  it("is not limited by the context length of the architecture", async () => {
    const { path } = await inspectModel(EMBEDDED_MODEL);
    const short = join(folder, "short");
    await cp(path, short, { recursive: true });
    const config = JSON.parse(await readFile(join(path, "config.json"), "utf8")) as { text_config: object };
    await writeFile(join(short, "config.json"), JSON.stringify({ ...config, text_config: { ...config.text_config, max_position_embeddings: 16 } }));
    const [input, output] = [join(folder, "long.json"), join(folder, "long.safetensors")];
    await writeFile(input, JSON.stringify({ ids: Array.from({ length: 40 }, (_, index) => index) }));
    expect(await cli(["logits", short, "--input", input, "--output", output, ...reference])).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
    expect((await openCheckpoint(output)).entry("logits").shape[0]).toBe(40);
  });
});

describe("polywen tokenize", () => {
  it("shows ids, tokens and the text decoded back", async () => {
    const text = "A «word»\n<|im_end|>";
    const file = join(folder, "text.txt");
    await writeFile(file, text);
    const plain = await cliJson<{ ids: number[]; tokens: string[]; text: string }>(["tokenize", EMBEDDED_MODEL, "--text-file", file]);
    expect(plain.text).toBe(text);
    expect(plain.tokens).toHaveLength(plain.ids.length);
    const special = await cliJson<typeof plain>(["tokenize", EMBEDDED_MODEL, text, "--special"]);
    expect(special.tokens.at(-1)).toBe("<|im_end|>");
    expect(plain.tokens).not.toContain("<|im_end|>");
    const { stdout } = await cli(["tokenize", EMBEDDED_MODEL, "-"], text);
    expect(stdout.trim().split("\n").map((line) => Number(line.trim().split(" ")[0]))).toEqual(plain.ids);
  });
});

describe("polywen inspect", () => {
  it("tells what config.json and the headers say", async () => {
    const summary = await cliJson<{ path: string; [name: string]: unknown }>(["inspect", EMBEDDED_MODEL]);
    const config = JSON.parse(await readFile(join(summary.path, "config.json"), "utf8")) as { model_type: string; text_config: Record<string, number> };
    const text = config.text_config;
    expect(summary).toMatchObject({
      modelType: config.model_type,
      modalities: ["text", "image", "video", "audio"],
      architecture: {
        layers: text["num_hidden_layers"],
        hiddenSize: text["hidden_size"],
        keyHeads: text["num_key_value_heads"],
        vocabularySize: text["vocab_size"],
        contextLength: text["max_position_embeddings"],
        positionAxes: 3,
      },
      chatTemplate: true,
      warnings: [],
    });
    const people = await cli(["inspect", EMBEDDED_MODEL]);
    expect(people.stdout).toMatch(/^Path +\S+\nArchitecture +qwen2_5_omni_thinker\n/);
    expect(people).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe("polywen inspect media", () => {
  it("draws an image with its grid, and tells what happened", async () => {
    const output = join(folder, "seen.png");
    const seen = await cliJson<Record<string, unknown>>(["inspect", "media", imageFile, "--output", output]);
    expect(seen).toMatchObject({ kind: "image", format: "PNG", model: EMBEDDED_MODEL, originalSize: { width: 32, height: 32 }, output });
    expect(seen["changes"]).toContain("grey becomes RGB");
    const [, rows, columns] = seen["grid"] as number[];
    expect(seen["rows"]).toBe((rows! * columns!) / 4);
    expect((await inspectMedia(output)).kind).toBe("image");
    const people = await cli(["inspect", "media", imageFile]);
    expect(people.stdout).toMatch(/^File +\S+\nImage +PNG, 32 × 32 pixels\nSeen as/);
  });

  it("draws the spectrogram of a sound", async () => {
    const output = join(folder, "heard.png");
    const heard = await cliJson<Record<string, number>>(["inspect", "media", audioFile, "--output", output]);
    expect(heard).toMatchObject({ kind: "audio", sampleRate: 16_000, seconds: heard["frames"]! / 100 });
    expect(await inspectMedia(output)).toMatchObject({ kind: "image", originalSize: { width: heard["frames"], height: 2 * heard["mels"]! } });
  });

  it("refuses what the model does not take, and what is no medium", async () => {
    const text = new URL("../../../../test/fixtures/folders/qwen3", import.meta.url).pathname;
    expect(await cli(["inspect", "media", imageFile, "--model", text])).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("image input for this model") });
    expect(await cli(["inspect", "media", join(folder, "none.png")])).toMatchObject({ exitCode: 3 });
    const unwritable = join(folder, "no/such/folder.png");
    expect(await cli(["inspect", "media", imageFile, "--output", unwritable])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`Cannot write ${unwritable}: the system reports ENOENT.`) });
    expect(await cli(["inspect", "media", join(folder, "seen.png"), "--output", join(folder, "none", "x.png")])).toMatchObject({ exitCode: 1 });
  });
});

describe("polywen doctor", () => {
  it("reports machine, versions and backends", async () => {
    const report = await cliJson<{ node: string; packages: Record<string, string>; backends: { cpu: { available: boolean } } }>(["doctor"]);
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(report).toMatchObject({ node: process.version, packages: { polywen: version, "@polywen/tensor": version }, backends: { reference: { available: true } } });
    const { exitCode, stdout, stderr } = await cli(["doctor"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(process.version);
    expect(stdout.includes("read from memory")).toBe(report.backends.cpu.available);
    expect(stderr.includes("Only the reference backend works here")).toBe(!report.backends.cpu.available);
  });
});

describe("polywen perplexity", () => {
  it("says what the library says, and what was held for it", async () => {
    const file = join(folder, "predicted.txt");
    const text = "What digit is this? It is a seven. Is it a seven? Yes, it is.";
    await writeFile(file, text);
    const model = await loadModel(EMBEDDED_MODEL, { backend: "reference", kvDType: "f32", cacheTokens: 16 });
    const expected = await model.perplexity(text, { context: 12 });
    await model.dispose();
    const args = ["perplexity", EMBEDDED_MODEL, ...reference, "--context", "12", "--kv", "f32", "--file"];
    expect(await cliJson([...args, file])).toEqual({ ...expected, kvBytes: model.info.memory.cache, weightBytes: model.info.memory.weights, warnings: [] });
    expect((await cli([...args, "-"], text)).stdout).toContain(expected.perplexity.toFixed(4));
    expect(await cli([...args, join(folder, "nowhere.txt")])).toMatchObject({ exitCode: 3, stdout: "" });
    expect(await cli([...args, "-"], "")).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

describe("polywen bench", () => {
  interface Report {
    readonly prefill: number;
    readonly decode: number;
    readonly runs: readonly { readonly prefill: number; readonly decode: number }[];
    readonly [name: string]: unknown;
  }

  it("measures each phase as often as asked", async () => {
    const report = await cliJson<Report>(["bench", EMBEDDED_MODEL, ...reference, "--prompt", "20", "--generate", "3", "--depth", "9", "--parallel", "2", "--repeat", "3"]);
    expect(report.runs).toHaveLength(3);
    for (const phase of ["prefill", "decode"] as const) expect(report[phase]).toBe(report.runs.map((run) => run[phase]).sort((a, b) => a - b)[1]);
    expect(report).toMatchObject({ tier: "reference", threads: 1, settings: { prompt: 20, generate: 3, depth: 9, parallel: 2, repeat: 3 }, warnings: [] });
    expect(report).not.toHaveProperty("readBandwidth");
    expect(Math.min(report.decode, report["loadMs"] as number, report["peakRssBytes"] as number)).toBeGreaterThan(0);
  });

  it("refuses what cannot be measured", async () => {
    expect(await cli(["bench", EMBEDDED_MODEL, "--repeat", "0"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});
