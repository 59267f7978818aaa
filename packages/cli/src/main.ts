#!/usr/bin/env node
import { createProgram } from "./index.ts";

await createProgram().parseAsync();
