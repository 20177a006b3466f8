/** What the user set up for the page: kept in the browser for a quick start, and in the profile. */
import { z } from "zod/mini";
import type { Me } from "@/api/types";
import { request } from "@/api/client";
import { session } from "@/api/session";
import { Store, useStorePart } from "@/lib/store";

export const LANGUAGES = ["en", "pt-BR", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

const GridSettings = z.object({
  hidden: z.catch(z.array(z.string()), []),
  sort: z.catch(z.nullable(z.object({ id: z.string(), desc: z.boolean() })), null),
});
export type GridSettings = z.infer<typeof GridSettings>;

const Preferences = z.object({
  language: z.catch(z.nullable(z.enum(LANGUAGES)), null),
  theme: z.catch(z.enum(["system", "dark", "light"]), "system"),
  palette: z.catch(z.enum(["green-red", "blue-orange", "red-green"]), "green-red"),
  density: z.catch(z.enum(["compact", "default", "comfortable"]), "default"),
  zone: z.catch(z.string(), "utc"),
  railCollapsed: z.catch(z.boolean(), false),
  singleKeyShortcuts: z.catch(z.boolean(), true),
  dockHeight: z.catch(z.number(), 260),
  oneClick: z.catch(z.boolean(), false),
  grids: z.catch(z.record(z.string(), GridSettings), {}),
  comments: z.catch(z.array(z.string()), []),
  favourites: z.catch(z.array(z.string()), []),
});
export type Preferences = z.infer<typeof Preferences>;

const STORAGE = "oms.preferences";
const SAVE_AFTER_MS = 1500;

function read(value: unknown): Preferences {
  return Preferences.parse(typeof value === "object" && value !== null ? value : {});
}

function stored(): Preferences {
  try {
    return read(JSON.parse(localStorage.getItem(STORAGE) ?? "{}"));
  } catch {
    return read({});
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
  if (timer !== null) clearTimeout(timer);
  timer = setTimeout(() => {
    if (session.get().status !== "active") return;
    void request("PUT", "/user/preferences", preferences.get()).catch(() => undefined);
  }, SAVE_AFTER_MS);
}

let adopted: number | null = null;

function adopt(me: Me): void {
  if (adopted === me.user.user_id) return;
  adopted = me.user.user_id;
  if (Object.keys(me.preferences).length === 0) return;
  preferences.set(read({ ...preferences.get(), ...me.preferences }));
  keep(preferences.get());
}

/** Take over the profile's preferences at a login. Called once. */
export function startPreferences(): void {
  session.subscribe(() => {
    const state = session.get();
    if (state.status === "active") adopt(state.me);
    if (state.status === "anonymous") adopted = null;
  });
}
