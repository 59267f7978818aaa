import { hostileTable } from "./hostile-cases.ts";
import { timeLimit, type Outcome, type Place } from "./hostile-case.ts";

const introduction = `# Bad input

Model folders, prompts and media are untrusted. Whatever is in them, Polywen answers with a result, a warning, or one of its own
[errors](errors.md), which says in which file the fault is and where: a byte offset, a JSON pointer, or the file as a whole where a decoder
knows no more. A crash, a hang or any other error is a bug.

Each row below is a test. Its input is made anew, and its calls run in a process of their own, where each may take
${timeLimit / 1000} s and all together may add four times the size of their files, or 64 MiB if that is more, to the resident memory. Chat templates run in
another process of their own, limited to 1 s and 128 MiB of heap.

Not refused when loading: weights that are NaN or infinite. Looking at every weight would cost as much as reading them all; the first step
whose logits are not numbers fails with \`NUMERICAL\` instead.

This page is written by \`test/hostile/write-page.ts\`; the table itself is \`test/hostile/cases\`.
`;

/** The page of the guide that publishes the table. */
export function badInputPage(): string {
  const sections = Object.entries(hostileTable).map(([title, cases]) => {
    const rows = cases.map(({ id, input, outcome }) => `| ${id} | ${cell(input)} | ${describeOutcome(outcome)} |`);
    return [`## ${title}`, "", "| | input | outcome |", "|---|---|---|", ...rows, ""].join("\n");
  });
  return [introduction, ...sections].join("\n");
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "result") return `result: ${cell(outcome.note)}`;
  if (outcome.kind === "warning") return `warning: “… ${cell(outcome.says)} …”`;
  const { code, file, place } = outcome;
  const where = [...(file === undefined ? [] : [cell(file)]), ...(place === undefined ? [] : [describePlace(place)])];
  return [`\`${code}\``, ...where].join(", ");
}

function describePlace(place: Place): string {
  if (typeof place === "string") return `the ${place}`;
  return "offset" in place ? `byte ${place.offset}` : `\`${place.pointer}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
