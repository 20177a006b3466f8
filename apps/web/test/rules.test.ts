/** Rules of the sources that the linter does not know. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const SRC = join(__dirname, "../src");
/** Attributes whose text people read. */
const READ_BY_PEOPLE = new Set(["aria-label", "title", "placeholder", "alt", "label"]);
const GENERATED = new Set(["api/schema.ts"]);

function files(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf-8" })
    .filter((name) => /\.tsx?$/.test(name) && !GENERATED.has(name.replaceAll("\\", "/")))
    .map((name) => join(SRC, name));
}

function literalTexts(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && /\p{Letter}{2}/u.test(node.text)) found.push(node.text.trim());
    if (
      ts.isJsxAttribute(node) &&
      READ_BY_PEOPLE.has(node.name.getText(source)) &&
      node.initializer !== undefined &&
      ts.isStringLiteral(node.initializer) &&
      /\p{Letter}/u.test(node.initializer.text)
    ) {
      found.push(node.initializer.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function offences(name: string, text: string): string[] {
  const found: string[] = [];
  if (/dangerouslySetInnerHTML|\.innerHTML|document\.write/.test(text)) found.push("writes HTML");
  if (!name.startsWith("charts/") && /\bparseFloat\(|\bNumber\.parseFloat\(|\btoFixed\(/.test(text)) {
    found.push("reads or rounds a number as floating point");
  }
  if (/\bsessionStorage\b/.test(text)) found.push("uses sessionStorage");
  if (/\blocalStorage\b/.test(text) && name !== "lib/preferences.ts") found.push("uses localStorage");
  const kind = name.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, kind);
  found.push(...literalTexts(source).map((literal) => `text outside the locales: ${literal}`));
  return found;
}

describe("the sources", () => {
  it("keep money as decimals, texts in the locales, HTML and storage untouched", () => {
    const found = files().flatMap((file) => {
      const name = relative(SRC, file).replaceAll("\\", "/");
      return offences(name, readFileSync(file, "utf-8")).map((offence) => `${name}: ${offence}`);
    });
    expect(found).toEqual([]);
  });

  it.each([
    ["kit/A.tsx", "const a = <b>Hello</b>;"],
    ["kit/A.tsx", 'const a = <b title="Hello" />;'],
    ["lib/a.ts", "const a = parseFloat(price);"],
    ["lib/a.ts", "element.innerHTML = text;"],
    ["api/a.ts", "localStorage.setItem('key', key);"],
  ])("%s with %s is refused", (name, text) => {
    expect(offences(name, text)).toHaveLength(1);
  });
});
