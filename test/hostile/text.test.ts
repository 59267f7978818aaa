import { configCases } from "./cases/config-cases.ts";
import { promptCases } from "./cases/prompt-cases.ts";
import { describeCases } from "./describe-cases.ts";

describeCases({ "configuration, tokenizer, template": configCases, "prompts and options": promptCases });
