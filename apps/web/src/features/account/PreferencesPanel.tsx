import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Checkbox } from "@/kit/Checkbox";
import { Segmented } from "@/kit/Segmented";
import { LANGUAGE_NAMES, LANGUAGES, preferences, setPreference, type Language } from "@/lib/preferences";
import { useStore } from "@/lib/store";

const THEMES = ["system", "dark", "light"] as const;
const PALETTES = ["green-red", "blue-orange", "red-green"] as const;
const DENSITIES = ["compact", "default", "comfortable"] as const;
const ZONES = ["utc", "local"] as const;

/** How the page looks and behaves for this user, on every device. */
export function PreferencesPanel() {
  const { t, i18n } = useTranslation("shell");
  const { t: ours } = useTranslation("account");
  const current = useStore(preferences);
  return (
    <div className="flex w-full max-w-md flex-col gap-4 p-4">
      <p className="text-sm text-muted">{ours("preferences.text")}</p>
      <Choice label={t("language")}>
        <Segmented
          label={t("language")}
          value={i18n.language as Language}
          onChange={(value) => setPreference("language", value)}
          segments={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
        />
      </Choice>
      <Choice label={t("theme.label")}>
        <Segmented
          label={t("theme.label")}
          value={current.theme}
          onChange={(value) => setPreference("theme", value)}
          segments={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        />
      </Choice>
      <Choice label={t("palettes.label")}>
        <Segmented
          label={t("palettes.label")}
          value={current.palette}
          onChange={(value) => setPreference("palette", value)}
          segments={PALETTES.map((value) => ({ value, label: t(`palettes.${value}`) }))}
        />
      </Choice>
      <Choice label={t("density.label")}>
        <Segmented
          label={t("density.label")}
          value={current.density}
          onChange={(value) => setPreference("density", value)}
          segments={DENSITIES.map((value) => ({ value, label: t(`density.${value}`) }))}
        />
      </Choice>
      <Choice label={t("zone.label")}>
        <Segmented
          label={t("zone.label")}
          value={current.zone === "utc" ? "utc" : "local"}
          onChange={(value) => setPreference("zone", value)}
          segments={ZONES.map((value) => ({ value, label: t(`zone.${value}`) }))}
        />
      </Choice>
      <Checkbox
        label={ours("preferences.singleKeys")}
        checked={current.singleKeyShortcuts}
        onChange={(on) => setPreference("singleKeyShortcuts", on)}
      />
    </div>
  );
}

function Choice({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <span aria-hidden className="text-xs text-muted">
        {label}
      </span>
      {children}
    </div>
  );
}
