import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audio, image, loadModel, type ContentPart, type Model } from "polywen";

interface GoldenPart {
  readonly type: "text" | "image" | "audio";
  readonly text?: string;
  readonly image?: string;
  readonly audio?: string;
}

interface GoldenCase {
  readonly name: string;
  readonly messages: readonly { readonly role: "user"; readonly content: readonly GoldenPart[] }[];
  readonly promptTokenIds: number[];
  readonly tokenIds: number[];
  readonly text: string;
  /** Smallest distance between the two best logits on the way. */
  readonly smallestGap: number;
}

const fixtures = new URL("../fixtures/", import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL("embedded-goldens.json", fixtures), "utf8")) as { cases: GoldenCase[] };
/** Two tokens this close in logits may change places between implementations. */
const TIE = 0.05;

function contentPart(part: GoldenPart): ContentPart {
  if (part.image !== undefined) return image(fileURLToPath(new URL(part.image, fixtures)));
  if (part.audio !== undefined) return audio(fileURLToPath(new URL(part.audio, fixtures)));
  return part.text ?? "";
}

describe.each(["auto", "reference"] as const)("the embedded model answers as it does under transformers (%s)", (backend) => {
  let model: Model;
  beforeAll(async () => void (model = await loadModel("polywen/tiny", { backend })));
  afterAll(() => model.dispose());

  test.each(cases.map((golden) => [golden.name, golden] as const))("%s", async (_, golden) => {
    const messages = golden.messages.map(({ role, content }) => ({ role, content: content.map(contentPart) }));
    const reply = await model.generate({ messages }, { temperature: 0, maxTokens: 64 });
    expect(reply.promptTokenIds).toEqual(golden.promptTokenIds);
    expect(reply.finishReason).toBe("stop");
    if (golden.smallestGap >= TIE) expect(reply.text).toBe(golden.text);
  });
});

test("hardly any golden is excused as a tie", () => {
  expect(cases.filter(({ smallestGap }) => smallestGap < TIE).length).toBeLessThanOrEqual(cases.length / 10);
});

test("another medium gives another answer", async () => {
  const model = await loadModel("polywen/tiny");
  const ask = async (name: string): Promise<string> => (await model.generate([image(fileURLToPath(new URL(`media/${name}`, fixtures))), "What digit is this?"], { temperature: 0 })).text;
  const digits = [0, 3, 4, 7, 8].filter((digit) => existsSync(new URL(`media/digit-${digit}.png`, fixtures)));
  const answers = await Promise.all(digits.map((digit) => ask(`digit-${digit}.png`)));
  expect(new Set(answers).size).toBe(digits.length);
  await model.dispose();
});
