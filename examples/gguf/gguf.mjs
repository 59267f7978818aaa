import { fileURLToPath } from "node:url";
import { inspectModel, loadModel } from "polywen";

// A model of random numbers that is part of the tests: put the path of your own file here.
const file = fileURLToPath(new URL("../../test/fixtures/gguf/qwen2.gguf", import.meta.url));

const { modelType, tensors, memory } = await inspectModel(file);
console.log(`${modelType}: ${tensors.dtypes.map(({ dtype, bytes }) => `${bytes} bytes of ${dtype}`).join(", ")}`);
console.log(`needs ${memory.estimate?.total} bytes, ${memory.estimate?.available} are free`);

const model = await loadModel(file, { cacheTokens: 1024 });
const { text } = await model.generate("def add(a, b):", { raw: true, maxTokens: 16 });
console.log(JSON.stringify(text));
await model.dispose();
