import { expect, it } from "vitest";
import { en } from "@/locales/en";
import { texts as es } from "@/locales/es";
import { texts as pt } from "@/locales/pt-BR";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(path + key, value);
    else for (const [inner, text] of flat(value, `${path}${key}.`)) found.set(inner, text);
  }
  return found;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "").toSorted();
}

it.each([
  ["pt-BR", pt],
  ["es", es],
])("%s has the keys and placeholders of English, and no empty text", (_language, texts) => {
  const english = flat(en);
  const other = flat(texts);
  expect([...other.keys()].toSorted()).toEqual([...english.keys()].toSorted());
  for (const [key, text] of english) {
    expect(placeholders(other.get(key) ?? ""), key).toEqual(placeholders(text));
    expect(other.get(key), key).not.toBe("");
  }
});
