import { loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const reply = model.generate("Hello! What can you do?");
for await (const part of reply) process.stdout.write(part.text);

const { finishReason, usage } = await reply;
console.log(`\n(${finishReason}, ${usage.promptTokens} + ${usage.generatedTokens} tokens)`);
await model.dispose();
