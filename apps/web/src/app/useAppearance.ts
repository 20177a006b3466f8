import { useEffect } from "react";
import { useMedia } from "@/lib/media";
import { usePreference } from "@/lib/preferences";

/** Theme, palette and density on the root element. */
export function useAppearance(): void {
  const theme = usePreference("theme");
  const palette = usePreference("palette");
  const density = usePreference("density");
  const systemLight = useMedia("(prefers-color-scheme: light)");
  useEffect(() => {
    const { dataset } = document.documentElement;
    dataset["theme"] = theme === "system" ? (systemLight ? "light" : "dark") : theme;
    dataset["palette"] = palette;
    dataset["density"] = density;
  }, [theme, palette, density, systemLight]);
}
