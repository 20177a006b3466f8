/**
 * Texts of the page. The English ones of login and shell are part of the first load; those of the
 * pages come with the first page, the other languages when they are chosen.
 *
 * One file per section and language: `en/positions.ts` is namespace `positions`. The English file
 * defines the keys; the types of the others and a test keep them equal.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { en } from "@/locales/en";
import { first } from "@/locales/en/first";
import type { Same } from "@/locales/same";
import { LANGUAGES, preferences, type Language } from "@/lib/preferences";

const loaders: Record<Exclude<Language, "en">, () => Promise<{ texts: Same<typeof en> }>> = {
  "pt-BR": () => import("@/locales/pt-BR"),
  es: () => import("@/locales/es"),
};

/** The first language of the browser that the page speaks. */
export function browserLanguage(languages: readonly string[] = navigator.languages): Language {
  for (const wanted of languages) {
    const base = wanted.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((language) => language.toLowerCase().split("-")[0] === base);
    if (found !== undefined) return found;
  }
  return "en";
}

function add(language: Language, texts: Record<string, object>): void {
  for (const [namespace, keys] of Object.entries(texts)) i18next.addResourceBundle(language, namespace, keys);
}

/** Load the English texts of the pages; every page is drawn after this. */
export async function loadPageTexts(): Promise<void> {
  if (i18next.hasResourceBundle("en", "positions")) return;
  const { en: texts } = await import("@/locales/en");
  add("en", texts);
}

async function show(language: Language): Promise<void> {
  if (language !== "en" && !i18next.hasResourceBundle(language, "common")) {
    const { texts } = await loaders[language]();
    add(language, texts);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

function wanted(): Language {
  return preferences.get().language ?? browserLanguage();
}

/** Start with the chosen language, or that of the browser, and follow the preference. */
export async function startTexts(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en: first },
    defaultNS: "common",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  let shown = wanted();
  await show(shown);
  preferences.subscribe(() => {
    if (wanted() === shown) return;
    shown = wanted();
    void show(shown);
  });
}
