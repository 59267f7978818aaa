// A code block that follows `<!-- example: path -->` in a page must be that file of examples/, letter by letter,
// so that whatever a reader copies is type-checked and run. `--write` puts the files in. Links to files and to headings must lead there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { listFiles, report, root, shown } from "./workspace.mjs";

const marked = /<!-- example: (\S+) -->\s*```[a-z]*\n([\s\S]*?)```/g;

function checkBlock(page, path, code) {
  const file = join(root, "examples", path);
  if (!existsSync(file)) return [`${shown(page)}: examples/${path} does not exist`];
  return readFileSync(file, "utf8").trim() === code.trim() ? [] : [`${shown(page)}: the block differs from examples/${path}`];
}

const withoutCode = (text) => text.replace(/```[\s\S]*?```/g, "");

/** Where a heading is found: in small letters, words joined by hyphens, without punctuation. */
const anchorOf = (heading) => heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");

function checkLink(page, link) {
  const [path, anchor] = link.split("#");
  const file = path === "" ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(file)) return [`${shown(page)}: the link ${link} leads nowhere`];
  if (anchor === undefined || !file.endsWith(".md")) return [];
  const headings = [...withoutCode(readFileSync(file, "utf8")).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading));
  return headings.includes(anchor) ? [] : [`${shown(page)}: no heading is called as the link ${link} says`];
}

function checkLinks(page, text) {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link)).flatMap((link) => checkLink(page, link));
}

function writePage(page, text) {
  const written = text.replace(/(<!-- example: (\S+) -->\s*```[a-z]*\n)[\s\S]*?```/g, (_, head, path) => `${head}${readFileSync(join(root, "examples", path), "utf8").trim()}\n\`\`\``);
  if (written !== text) writeFileSync(page, written);
  return written;
}

function checkPage(page) {
  const stored = readFileSync(page, "utf8");
  const text = process.argv.includes("--write") ? writePage(page, stored) : stored;
  const blocks = [...text.matchAll(marked)];
  const problems = blocks.flatMap(([, path, code]) => checkBlock(page, path, code));
  const marks = text.match(/<!-- example: /g)?.length ?? 0;
  if (marks !== blocks.length) problems.push(`${shown(page)}: an example mark has no code block after it`);
  return { blocks: blocks.length, problems: [...problems, ...checkLinks(page, text)] };
}

const pages = [join(root, "README.md"), ...listFiles(join(root, "docs"), /\.md$/)].filter((page) => existsSync(page));
const results = pages.map(checkPage);
const blocks = results.reduce((sum, result) => sum + result.blocks, 0);
report("docs", `${pages.length} pages, ${blocks} examples`, results.flatMap((result) => result.problems));
