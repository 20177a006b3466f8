import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { useToday } from "@/app/period";
import { useScope } from "@/app/scope";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";
import { startOfDay } from "@/lib/time";
import { useLiveEvents } from "@/live/hooks";

const REFRESH_MS = 60_000;
const TONES = { up: "text-up", down: "text-down" };

/** What the positions closed today brought, net of fees; nothing where that is in several currencies. */
export function DayResult() {
  const { t } = useTranslation("shell");
  const { number } = useFormats();
  const { parameter } = useScope();
  const { start, tz } = useToday();
  const { data, refetch } = useQuery({
    queryKey: ["stats", parameter, start, tz, "today"],
    queryFn: () => call(api.GET("/stats", { params: { query: { account_ids: parameter, from: startOfDay(start, tz).toISOString() } } })),
    enabled: parameter !== "",
    refetchInterval: REFRESH_MS,
  });
  useLiveEvents(["position_closed"], () => void refetch());
  if (data === undefined || data.total_pnl === null || data.currency === null) return null;
  const tone = toneOf(data.total_pnl);
  return (
    <Link to="/positions/history" search={((before: object) => ({ ...before, period: "today" })) as never} className="num flex gap-1.5 text-sm max-xl:hidden">
      <span className="text-muted">{t("today")}</span>
      <span className={cx(tone !== undefined && TONES[tone])}>
        {number(data.total_pnl, { places: placesOf(data.currency), plus: true })} {data.currency}
      </span>
    </Link>
  );
}
