/** The indicators that the user keeps for each strategy, in the profile. */
import { preferences, setPreference, usePreference } from "@/lib/preferences";

/** The set of a chart without a strategy. */
const NO_STRATEGY = "";
const SETS_MAX = 100;

/** The indicators kept for a strategy, as in the URL; undefined: none are. */
export function savedIndicators(strategy: string | null): string | undefined {
  return preferences.get().indicatorSets[strategy ?? NO_STRATEGY];
}

export function useSavedIndicators(strategy: string | null): string | undefined {
  return usePreference("indicatorSets")[strategy ?? NO_STRATEGY];
}

/** Keep these indicators for a strategy. Of more than `SETS_MAX` sets the one that was saved first is removed. */
export function saveIndicators(strategy: string | null, text: string): void {
  const { [strategy ?? NO_STRATEGY]: _before, ...others } = preferences.get().indicatorSets;
  const kept = Object.entries(others).slice(1 - SETS_MAX);
  setPreference("indicatorSets", Object.fromEntries([...kept, [strategy ?? NO_STRATEGY, text]]));
}
