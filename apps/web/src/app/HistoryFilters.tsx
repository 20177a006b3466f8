import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { PERIODS, type Days } from "@/app/period";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { SubmitField } from "@/kit/SearchField";
import { Segmented } from "@/kit/Segmented";
import { usePreference } from "@/lib/preferences";
import { zoneLabel } from "@/lib/time";

interface Props {
  days: Days;
  symbol: string;
  onSymbol: (symbol: string | undefined) => void;
  onRefresh: () => void;
  children?: ReactNode;
}

/** Filters that all lists of the past share: days, symbol, refresh. */
export function HistoryFilters({ days, symbol, onSymbol, onRefresh, children }: Props) {
  const { t } = useTranslation();
  const zone = usePreference("zone");
  return (
    <>
      <Segmented
        label={t("period.label")}
        value={days.name}
        onChange={days.choose}
        segments={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
        className="max-sm:w-full"
      />
      <SubmitField label={t("period.symbol")} value={symbol} onChange={(text) => onSymbol(text.toUpperCase() || undefined)} />
      {children}
      <span className="num text-xs text-muted max-md:hidden">
        {days.start} – {days.end} {zoneLabel(zone)}
      </span>
      <Button tone="quiet" icon={<Icon name="refresh" />} aria-label={t("action.refresh")} onClick={onRefresh} />
    </>
  );
}
