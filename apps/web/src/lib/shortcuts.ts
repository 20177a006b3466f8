/** Keyboard shortcuts: single keys, `mod+k`, and sequences such as `g p`. Dead while typing. */
import { useEffect, useEffectEvent } from "react";
import { preferences } from "@/lib/preferences";

interface Shortcut {
  keys: string;
  run: () => void;
}

const active = new Set<Shortcut>();
const SEQUENCE_MS = 1000;
let prefix: { key: string; at: number } | null = null;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "checkbox") return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Whether a dialog or menu is open: keys belong to it. */
export function isLayerOpen(): boolean {
  return document.querySelector('[role="dialog"],[role="alertdialog"],[role="menu"],[role="listbox"]') !== null;
}

/** The space bar activates a focused button or link; as a shortcut it is for everything else. */
function isPressed(name: string, target: EventTarget | null): boolean {
  return name === " " && target instanceof HTMLElement && target.closest("button,a,[role=button],[role=tab]") !== null;
}

function nameOf(event: KeyboardEvent): string {
  const isLetter = event.key.length === 1;
  const key = isLetter ? event.key.toLowerCase() : event.key;
  const name = event.shiftKey && !isLetter ? `shift+${key}` : key;
  return event.ctrlKey || event.metaKey ? `mod+${name}` : name;
}

function find(keys: string): Shortcut | undefined {
  return [...active].findLast((shortcut) => shortcut.keys === keys);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return;
  const name = nameOf(event);
  const withModifier = name.startsWith("mod+");
  // A key that is held down submits once.
  if (withModifier && event.repeat) return;
  if (!withModifier && (isTyping(event.target) || isLayerOpen() || isPressed(name, event.target))) return;
  if (!withModifier && !preferences.get().singleKeyShortcuts) return;
  const now = Date.now();
  const sequence = prefix !== null && now - prefix.at < SEQUENCE_MS ? `${prefix.key} ${name}` : null;
  const found = (sequence === null ? undefined : find(sequence)) ?? find(name);
  prefix = { key: name, at: now };
  if (found === undefined) return;
  event.preventDefault();
  prefix = null;
  found.run();
}

/** Listen for keys. Called once. */
export function startShortcuts(): void {
  globalThis.addEventListener("keydown", onKey);
}

/** Run `run` on these keys until the returned function is called; the newest of equal keys wins. */
export function addShortcut(keys: string, run: () => void): () => void {
  const shortcut = { keys, run };
  active.add(shortcut);
  return () => {
    active.delete(shortcut);
  };
}

/** Run `action` on these keys while the component is shown. */
export function useShortcut(keys: string, action: () => void, enabled = true): void {
  const run = useEffectEvent(action);
  useEffect(() => (enabled ? addShortcut(keys, () => run()) : undefined), [keys, enabled]);
}
