/** Writes docs/guide/bad-input.md: `npx tsx --conditions=@polywen/source test/hostile/write-page.ts`. */
import { writeFileSync } from "node:fs";
import { badInputPage } from "./bad-input-page.ts";

writeFileSync(new URL("../../docs/guide/bad-input.md", import.meta.url), badInputPage());
