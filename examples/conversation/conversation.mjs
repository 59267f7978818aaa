import { image, loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const picture = new URL("../media/scene.png", import.meta.url);

/** @type {import("polywen").Message[]} */
const messages = [{ role: "user", content: [image(picture), "How many shapes are there?"] }];
const first = await model.generate({ messages });
messages.push({ role: "assistant", content: first.text }, { role: "user", content: "What is on the right?" });
const second = await model.generate({ messages });

console.log(`${first.text}\n${second.text}`);
await model.dispose();
