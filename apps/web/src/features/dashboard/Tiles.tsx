import { useTranslation } from "react-i18next";
import { useToday } from "@/app/period";
import { exposureOf } from "@/features/dashboard/exposure";
import { useRejected, useStatistics, type Portfolio, type Statistics } from "@/features/dashboard/reads";
import { StatTile } from "@/kit/StatTile";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";
import { useLiveRows } from "@/live/hooks";
import { openOrders, openPositions } from "@/live/live";

/** Fewer closed positions than this are named beside ratios: they say little. */
const SMALL_SAMPLE = 30;

interface Props {
  /** The accounts in view, as `account_ids`. */
  accounts: string;
  portfolio: Portfolio | undefined;
  statistics: Statistics | undefined;
}

function placesIn(unit: string | null | undefined): number {
  return unit ? placesOf(unit) : 2;
}

/** Whether amounts of closed positions are in several currencies, which are not added. */
function isMixed(statistics: Statistics | undefined): boolean {
  return statistics !== undefined && statistics.closed_positions > 0 && statistics.currency === null;
}

/** The figures of now, of today and of the period; each leads to the list behind it. */
export function Tiles(props: Props) {
  return (
    <div className="grid grid-cols-2 gap-2 md:grid-cols-4 xl:grid-cols-6">
      <NowTiles {...props} />
      <TodayTiles accounts={props.accounts} />
      <PeriodTiles statistics={props.statistics} />
    </div>
  );
}

function NowTiles({ portfolio }: Props) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const orders = useLiveRows(openOrders).length;
  const positions = useLiveRows(openPositions).length;
  const total = portfolio?.total;
  const currency = total?.currency ?? "";
  const missing = total?.missing_rates ?? [];
  const places = placesIn(currency);
  const exposure = portfolio === undefined ? null : exposureOf(portfolio);
  return (
    <>
      <StatTile
        label={t("tile.equity")}
        value={number(total?.equity ?? null, { places })}
        unit={currency}
        note={missing.length > 0 ? t("missingRates", { currencies: missing.join(", ") }) : ""}
        tone={missing.length > 0 ? "warn" : undefined}
        to="/positions"
      />
      <StatTile
        label={t("tile.unrealized")}
        value={number(total?.unrealized ?? null, { places, plus: true })}
        unit={currency}
        tone={toneOf(total?.unrealized ?? null)}
        to="/positions"
      />
      <StatTile
        label={t(exposure === null ? "tile.exposure" : "tile.gross")}
        value={number(exposure?.gross ?? total?.market_value ?? null, { places: placesIn(exposure?.currency ?? currency) })}
        unit={exposure?.currency ?? currency}
        note={exposure === null ? "" : t("net", { value: number(exposure.net, { places: placesOf(exposure.currency), plus: true }) })}
        to="/positions"
      />
      <StatTile label={t("tile.positions")} value={number(String(positions))} to="/positions" />
      <StatTile label={t("tile.orders")} value={number(String(orders))} to="/orders" />
    </>
  );
}

function TodayTiles({ accounts }: { accounts: string }) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const today = useToday();
  const { data } = useStatistics(accounts, today, "day");
  const rejected = useRejected(accounts, today).data ?? null;
  const day = { period: "today" };
  return (
    <>
      <StatTile
        label={t("tile.today")}
        value={number(data?.total_pnl ?? null, { places: placesIn(data?.currency), plus: true })}
        unit={data?.currency ?? ""}
        note={isMixed(data) ? t("severalCurrencies") : t((data?.closed_positions ?? 0) === 0 ? "noSample" : "sample", { count: data?.closed_positions ?? 0 })}
        tone={toneOf(data?.total_pnl ?? null)}
        to="/positions/history"
        filters={day}
      />
      <StatTile
        label={t("tile.rejected")}
        value={number(rejected === null ? null : String(rejected))}
        tone={rejected !== null && rejected > 0 ? "warn" : undefined}
        to="/orders/history"
        filters={{ ...day, status: "REJECTED" }}
      />
    </>
  );
}

function PeriodTiles({ statistics }: Pick<Props, "statistics">) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const closed = statistics?.closed_positions ?? 0;
  const mixed = isMixed(statistics) ? t("severalCurrencies") : "";
  const sample = statistics === undefined ? "" : t(closed === 0 ? "noSample" : closed < SMALL_SAMPLE ? "smallSample" : "sample", { count: closed });
  const hasRate = statistics !== undefined && statistics.winrate !== null;
  const places = placesIn(statistics?.currency);
  const unit = statistics?.currency ?? "";
  return (
    <>
      <StatTile
        label={t("tile.result")}
        value={number(statistics?.total_pnl ?? null, { places, plus: true })}
        unit={unit}
        note={mixed || sample}
        tone={toneOf(statistics?.total_pnl ?? null)}
        to="/positions/history"
      />
      <StatTile label={t("tile.fees")} value={number(statistics?.fees_total ?? null, { places })} unit={unit} note={mixed} to="/deals" />
      <StatTile label={t("tile.winRate")} value={number(statistics?.winrate ?? null, { places: 1 })} unit={hasRate ? "%" : ""} note={sample} to="/positions/history" />
      <StatTile label={t("tile.profitFactor")} value={number(statistics?.profit_factor ?? null, { places: 2 })} note={mixed || sample} to="/stats" />
      <StatTile
        label={t("tile.drawdown")}
        value={number(statistics?.max_drawdown ?? null, { places })}
        unit={unit}
        note={mixed || t("ofClosed")}
        to="/stats"
      />
    </>
  );
}
