/** What the user set up for the page: kept in the browser for a quick start, and in the profile. */
import type { Me } from "@/api/types";
import { request } from "@/api/client";
import { session } from "@/api/session";
import { Store, useStorePart } from "@/lib/store";

export const LANGUAGES = ["en", "pt-BR", "es"] as const;
export type Language = (typeof LANGUAGES)[number];
export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", "pt-BR": "Português (Brasil)", es: "Español" };

export interface GridSettings {
  hidden: string[];
  sort: { id: string; desc: boolean } | null;
  /** What its rows are grouped by. */
  group: string | null;
}

/** A list as it was set up once: its filters, columns, order and groups, under a name. */
export interface SavedView extends GridSettings {
  name: string;
  filters: Record<string, string>;
}

export interface Preferences {
  language: Language | null;
  theme: "system" | "dark" | "light";
  palette: "green-red" | "blue-orange" | "red-green";
  density: "compact" | "default" | "comfortable";
  zone: string;
  railCollapsed: boolean;
  singleKeyShortcuts: boolean;
  /** Whether the trade desk shows a chart, and how many pixels of its dock are below it. */
  tradeChart: boolean;
  dockHeight: number;
  oneClick: boolean;
  grids: Record<string, GridSettings>;
  /** By the list that they are of. */
  views: Record<string, SavedView[]>;
  /** The indicators of the chart by strategy, as text of the URL. */
  indicatorSets: Record<string, string>;
  comments: string[];
  favourites: string[];
  /** Whose they are; null before the first login. */
  userId: number | null;
}

const STORAGE = "oms.preferences";
/** Set while the profile lacks a change that this browser has, such as one made just before a reload. */
const UNSAVED = "oms.preferences.unsaved";
const SAVE_AFTER_MS = 1500;

type Fields = Record<string, unknown>;

/** The fields of a stored object; none of what is no object. */
function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function oneOf<T>(value: unknown, known: readonly T[], otherwise: T): T {
  return known.includes(value as T) ? (value as T) : otherwise;
}

function flag(value: unknown, otherwise: boolean): boolean {
  return typeof value === "boolean" ? value : otherwise;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : [];
}

/** The texts of a stored object. */
function textsByName(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function readGrid(value: unknown): GridSettings {
  const { hidden, sort, group } = fieldsOf(value);
  const { id, desc } = fieldsOf(sort);
  return {
    hidden: texts(hidden),
    sort: typeof id === "string" && typeof desc === "boolean" ? { id, desc } : null,
    group: typeof group === "string" ? group : null,
  };
}

function readViews(value: unknown): SavedView[] {
  const views: readonly unknown[] = Array.isArray(value) ? value : [];
  return views.flatMap((view) => {
    const { name, filters } = fieldsOf(view);
    if (typeof name !== "string" || name === "") return [];
    return [{ ...readGrid(view), name, filters: textsByName(filters) }];
  });
}

/** The values of a stored object, each read by `read`. */
function eachOf<Value>(value: unknown, read: (one: unknown) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([id, one]) => [id, read(one)]));
}

/** Preferences from what was stored, perhaps by another version: what is not understood is left out. */
export function readPreferences(value: unknown): Preferences {
  const fields = fieldsOf(value);
  const { zone, dockHeight } = fields;
  return {
    language: oneOf(fields["language"], [...LANGUAGES, null], null),
    theme: oneOf(fields["theme"], ["system", "dark", "light"], "system"),
    palette: oneOf(fields["palette"], ["green-red", "blue-orange", "red-green"], "green-red"),
    density: oneOf(fields["density"], ["compact", "default", "comfortable"], "default"),
    zone: typeof zone === "string" ? zone : "utc",
    railCollapsed: flag(fields["railCollapsed"], false),
    singleKeyShortcuts: flag(fields["singleKeyShortcuts"], true),
    tradeChart: flag(fields["tradeChart"], true),
    dockHeight: typeof dockHeight === "number" && Number.isFinite(dockHeight) ? dockHeight : 260,
    oneClick: flag(fields["oneClick"], false),
    grids: eachOf(fields["grids"], readGrid),
    views: eachOf(fields["views"], readViews),
    indicatorSets: textsByName(fields["indicatorSets"]),
    comments: texts(fields["comments"]),
    favourites: texts(fields["favourites"]),
    userId: typeof fields["userId"] === "number" ? fields["userId"] : null,
  };
}

function stored(): Preferences {
  try {
    return readPreferences(JSON.parse(localStorage.getItem(STORAGE) ?? "{}"));
  } catch {
    return readPreferences({});
  }
}

export const preferences = new Store<Preferences>(stored());

export function usePreference<K extends keyof Preferences>(name: K): Preferences[K] {
  return useStorePart(preferences, (value) => value[name]);
}

let timer: ReturnType<typeof setTimeout> | null = null;

function keep(value: Preferences): void {
  localStorage.setItem(STORAGE, JSON.stringify(value));
}

/** Change a preference; it is saved in the profile shortly after. */
export function setPreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
  preferences.update((current) => ({ ...current, [name]: value }));
  keep(preferences.get());
  saveSoon();
}

/** Save in the profile after a while; until that is done, this browser's count. */
function saveSoon(): void {
  localStorage.setItem(UNSAVED, "true");
  if (timer !== null) clearTimeout(timer);
  timer = setTimeout(() => {
    if (session.get().status !== "active") return;
    const sent = preferences.get();
    const saved = () => {
      if (preferences.get() === sent) localStorage.removeItem(UNSAVED);
    };
    void request("PUT", "/user/preferences", sent).then(saved, () => undefined);
  }, SAVE_AFTER_MS);
}

let adopted: number | null = null;

/**
 * The profile's preferences; without any, or with changes that are not saved there, those of this browser, of which
 * another user's are only looks and language.
 */
function adopt(me: Me): void {
  const { user_id: userId } = me.user;
  if (adopted === userId) return;
  adopted = userId;
  const here = preferences.get();
  const { language, theme, palette, density, zone } = here;
  const own = here.userId === null || here.userId === userId ? here : { language, theme, palette, density, zone };
  const isNewer = here.userId === userId && localStorage.getItem(UNSAVED) !== null;
  preferences.set(readPreferences(isNewer ? { ...me.preferences, ...here } : { ...own, ...me.preferences, userId }));
  keep(preferences.get());
  if (isNewer) saveSoon();
  else localStorage.removeItem(UNSAVED);
}

function forget(): void {
  adopted = null;
  if (timer !== null) clearTimeout(timer);
}

/** Take over the profile's preferences at a login. Called once. */
export function startPreferences(): void {
  session.subscribe(() => {
    const state = session.get();
    if (state.status === "active") adopt(state.me);
    if (state.status === "anonymous") forget();
  });
}
