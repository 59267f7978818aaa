/**
 * The process in which chat templates are rendered: a template from a model file may loop for ever or exhaust memory, which ends the whole
 * process, so it gets one of its own. It ends with the channel to its parent.
 */
import { runInNewContext } from "node:vm";
import { parseTemplate, RaisedByTemplate, renderTemplate, TemplateLimitReached } from "./chat-template/render-template.ts";
import { templateTimeLimit, type RenderAnswer, type RenderRequest } from "./chat-template/template-protocol.ts";

const parsed: Map<string, ReturnType<typeof parseTemplate>> = new Map();

function answer(request: RenderRequest): RenderAnswer {
  // The parent kills this process in any case; the limit here is for a parent that is dead itself.
  const output: string = runInNewContext("render()", { render: () => render(request) }, { timeout: templateTimeLimit });
  if (output.length > request.outputLimit) {
    return { kind: "limit", problem: "the rendered text is too long", limit: request.outputLimit, unit: "characters" };
  }
  return { kind: "output", output };
}

function render(request: RenderRequest): string {
  let template = parsed.get(request.template);
  if (template === undefined) {
    template = parseTemplate(request.template);
    parsed.set(request.template, template);
  }
  return renderTemplate(template, request.variables);
}

function failure(error: unknown): RenderAnswer {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
    return { kind: "limit", problem: "rendering takes too long", limit: templateTimeLimit, unit: "ms" };
  }
  if (error instanceof TemplateLimitReached) return { kind: "limit", problem: error.message };
  if (error instanceof RangeError) return { kind: "limit", problem: "the template is nested too deeply or makes too long a text" };
  const problem = String(message).slice(0, 1000);
  return { kind: "invalid", problem: error instanceof RaisedByTemplate ? `the template refuses the messages: ${problem}` : problem };
}

function send(message: RenderAnswer): void {
  process.send?.(message);
}

process.on("message", (request: RenderRequest) => {
  try {
    send(answer(request));
  } catch (error) {
    send(failure(error));
  }
});
send({ kind: "ready" });
