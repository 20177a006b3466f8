import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Menu, type MenuItem } from "@/kit/Menu";
import { LANGUAGE_NAMES, LANGUAGES, preferences, setPreference, type Preferences } from "@/lib/preferences";
import { useStore } from "@/lib/store";

const THEMES = ["system", "dark", "light"] as const;
const PALETTES = ["green-red", "blue-orange", "red-green"] as const;
const DENSITIES = ["compact", "default", "comfortable"] as const;
const ZONES = ["utc", "local"] as const;

/** Theme, colours, row height, time zone and language. */
export function ViewMenu() {
  const { t, i18n } = useTranslation("shell");
  const current = useStore(preferences);
  const choice = <K extends keyof Preferences>(name: K, value: Preferences[K], label: string): MenuItem => ({
    id: `${name}-${String(value)}`,
    label,
    checked: current[name] === value,
    run: () => setPreference(name, value),
  });
  const items: MenuItem[] = [
    { id: "theme", heading: t("theme.label") },
    ...THEMES.map((theme) => choice("theme", theme, t(`theme.${theme}`))),
    { id: "palette", heading: t("palettes.label") },
    ...PALETTES.map((palette) => choice("palette", palette, t(`palettes.${palette}`))),
    { id: "density", heading: t("density.label") },
    ...DENSITIES.map((density) => choice("density", density, t(`density.${density}`))),
    { id: "zone", heading: t("zone.label") },
    ...ZONES.map((zone) => choice("zone", zone, t(`zone.${zone}`))),
    { id: "language", heading: t("language") },
    ...LANGUAGES.map((language) => ({
      ...choice("language", language, LANGUAGE_NAMES[language]),
      checked: i18n.language === language,
    })),
  ];
  return (
    <Menu
      keepOpen
      items={items}
      trigger={<Button tone="quiet" icon={<Icon name="sun" />} aria-label={t("settings")} className="max-sm:hidden" />}
    />
  );
}
