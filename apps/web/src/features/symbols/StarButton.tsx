import { useTranslation } from "react-i18next";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";
import { preferences, setPreference, usePreference } from "@/lib/preferences";

/** Make a symbol a favourite, or no longer one; kept in the profile. */
export function toggleFavourite(symbol: string): void {
  const { favourites } = preferences.get();
  const without = favourites.filter((one) => one !== symbol);
  setPreference("favourites", without.length < favourites.length ? without : [...favourites, symbol]);
}

/** The star of a symbol. */
export function StarButton({ symbol }: { symbol: string }) {
  const { t } = useTranslation("symbols");
  const on = usePreference("favourites").includes(symbol);
  return (
    <button
      type="button"
      aria-label={t("star", { symbol })}
      aria-pressed={on}
      className={cx("grid size-6 place-items-center rounded hover:bg-raise", on ? "text-warn" : "text-muted")}
      onClick={(event) => {
        event.stopPropagation();
        toggleFavourite(symbol);
      }}
    >
      <span className={cx(on && "[&_path]:fill-current")}>
        <Icon name="star" size={14} />
      </span>
    </button>
  );
}
