import { useTranslation } from "react-i18next";
import { closeOf, millisecondsOf, type Candle } from "@/charts/candles/scene";
import type { RunEntry, StrategyRun } from "@/features/chart/run";
import { Facts } from "@/kit/DetailDrawer";
import { Panel } from "@/kit/Panel";
import { NOTHING, useFormats } from "@/lib/format";
import { setPreference, usePreference } from "@/lib/preferences";
import { Button } from "@/kit/Button";
import { zoneLabel } from "@/lib/time";

interface Props {
  /** The last candle that is shown. */
  candle: Candle | undefined;
  timeframe: string;
  run: StrategyRun | undefined;
}

/** The position that the decisions filled before `closedAt` lead to; a fill at that moment is of the next candle. */
export function positionAt(entries: readonly RunEntry[], closedAt: number): RunEntry | null {
  let held: RunEntry | null = null;
  for (const entry of entries) {
    const filledAt = entry.fill_time === null ? Number.POSITIVE_INFINITY : Date.parse(entry.fill_time);
    if (filledAt >= closedAt) continue;
    held = entry.direction === "long" || entry.direction === "short" ? entry : null;
  }
  return held;
}

const SIGNS = [
  ["should_enter_long", "long"],
  ["should_enter_short", "short"],
  ["should_exit_long", "long_exit"],
  ["should_exit_short", "short_exit"],
] as const;

/** What is known when the shown candle closes: its prices, what the strategy is ready for, its position. */
export function StatusPanel({ candle, timeframe, run }: Props) {
  const { t } = useTranslation("chart");
  const { time, number } = useFormats();
  const zone = usePreference("zone");
  if (candle === undefined) return null;
  const closedAt = closeOf(millisecondsOf(candle), timeframe);
  const timeline = run?.signal_timeline?.find((item) => Date.parse(item.time) === millisecondsOf(candle));
  // The state of a strategy changes with its own decisions: those made at this close count, too.
  const decided = new Set(
    (run?.entries ?? [])
      .filter((entry) => Date.parse(entry.decision_time) <= closedAt && Date.parse(entry.source_time) >= millisecondsOf(candle))
      .map((entry) => entry.direction),
  );
  const ready = SIGNS.filter(([field, direction]) => timeline?.[field] === true || decided.has(direction)).map(([, direction]) => direction);
  const position = positionAt(run?.entries ?? [], closedAt);
  return (
    <Panel
      title={t("status.title")}
      actions={
        <Button tone="quiet" onClick={() => setPreference("zone", zone === "utc" ? "local" : "utc")}>
          {zoneLabel(zone)}
        </Button>
      }
    >
      <div className="flex flex-col gap-2 p-3" data-cursor-panel>
        <Facts
          facts={[
            [t("column.time"), time(candle.time)],
            [t("column.open"), number(candle.open)],
            [t("column.high"), number(candle.high)],
            [t("column.low"), number(candle.low)],
            [t("column.close"), number(candle.close)],
            [t("column.volume"), number(candle.volume)],
          ]}
        />
        {run !== undefined && (
          <>
            <p className="text-sm font-semibold" data-ready>
              {ready.length === 0 ? t("status.none") : ready.map((direction) => t(`ready.${direction}`)).join(" · ")}
            </p>
            <p className="num text-sm" data-held>
              {position === null
                ? t("status.flat")
                : t(position.direction === "long" ? "status.long" : "status.short", {
                    price: position.fill_price === null ? NOTHING : String(position.fill_price),
                  })}
            </p>
            {!run.warmup_ok && <p className="text-xs text-warn">{t("status.warmup")}</p>}
          </>
        )}
      </div>
    </Panel>
  );
}
