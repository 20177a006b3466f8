import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useOpenChart } from "@/app/openChart";
import { useReadState } from "@/app/readState";
import { useScope } from "@/app/scope";
import { SavedViews } from "@/app/SavedViews";
import { useFilters } from "@/app/search";
import { useMarketColumns, useTypeWord } from "@/features/symbols/columns";
import { MarketDrawer, useOpenTicket } from "@/features/symbols/MarketDrawer";
import { marketsKey, matches, readMarkets, useMarkets, type MarketRow } from "@/features/symbols/markets";
import { toggleFavourite } from "@/features/symbols/StarButton";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { useErrorText } from "@/kit/errorText";
import { Icon } from "@/kit/Icon";
import { SearchField } from "@/kit/SearchField";
import { Select } from "@/kit/Select";
import { toastError } from "@/kit/toasts";
import { usePreference } from "@/lib/preferences";
import { useCan } from "@/lib/permissions";
import { useFormats } from "@/lib/format";

const VIEW_FILTERS = ["account", "find", "type", "active", "star"] as const;

const NO_ROWS: readonly MarketRow[] = [];

/** The symbols of an account's exchange with their rules: search, favourites, way to the ticket. */
export default function SymbolsPage() {
  const { t } = useTranslation("symbols");
  const can = useCan();
  const scope = useScope();
  const { time } = useFormats();
  const type = useTypeWord();
  const openTicket = useOpenTicket();
  const openChart = useOpenChart();
  const [filters, setFilters] = useFilters("account", "find", "type", "active", "star");
  const accounts = scope.accounts.filter((one) => can("market", one.account_id));
  const accountId = (accounts.find((one) => String(one.account_id) === filters.account) ?? accounts[0])?.account_id ?? null;
  const markets = useMarkets(accountId);
  const stateOf = useReadState();
  const reload = useReload();
  const starred = usePreference("favourites");
  const favourites = useMemo(() => new Set(starred), [starred]);
  const columns = useMarketColumns(favourites);
  const [detail, setDetail] = useState<string | null>(null);
  const all = markets.data?.rows ?? NO_ROWS;
  const rows = useMemo(
    () =>
      all.filter(
        (row) =>
          matches(row.symbol, filters.find ?? "") &&
          (filters.type === undefined || row.type === filters.type) &&
          (filters.active === undefined || row.active !== false) &&
          (filters.star === undefined || favourites.has(row.symbol)),
      ),
    [all, filters.find, filters.type, filters.active, filters.star, favourites],
  );
  const types = useMemo(() => [...new Set(all.map((row) => row.type))].toSorted(), [all]);
  const narrowed = [filters.find, filters.type, filters.active, filters.star].some((one) => one !== undefined);
  const shown = all.find((row) => row.symbol === detail);
  const mayTrade = accountId !== null && can("trade", accountId);
  const trade = (symbol: string) => () => accountId !== null && openTicket(accountId, symbol);

  return (
    <>
      <DataGrid
        id="symbols"
        label={t("label")}
        columns={columns}
        rows={rows}
        state={{
          ...stateOf(markets, accountId !== null),
          ...(accountId === null ? { forbidden: t("noAccount") } : {}),
        }}
        empty={<EmptyState title={t("empty")} />}
        onClearFilters={
          narrowed && all.length > 0
            ? () => setFilters({ find: undefined, type: undefined, active: undefined, star: undefined })
            : undefined
        }
        defaultSort={{ id: "symbol", desc: false }}
        exportName="symbols"
        onOpen={(row) => setDetail(row.symbol)}
        actions={(row) => [
          { id: "details", label: t("details"), run: () => setDetail(row.symbol) },
          {
            id: "star",
            label: t(favourites.has(row.symbol) ? "unstar" : "makeStar"),
            run: () => toggleFavourite(row.symbol),
          },
          { id: "chart", label: t("chart"), run: () => accountId !== null && openChart(accountId, row.symbol) },
          ...(mayTrade ? [{ id: "trade", label: t("trade"), run: trade(row.symbol) }] : []),
        ]}
        toolbar={
          <>
            {accounts.length > 1 && (
              <Select
                label={t("account")}
                hiddenLabel
                value={accountId}
                onChange={(id) => setFilters({ account: String(id) })}
                options={accounts.map((one) => ({ value: one.account_id, label: one.label }))}
                className="w-44"
              />
            )}
            <SearchField
              label={t("search")}
              value={filters.find ?? ""}
              onChange={(text) => setFilters({ find: text || undefined })}
            />
            <Select
              label={t("column.type")}
              hiddenLabel
              value={filters.type ?? ""}
              onChange={(value) => setFilters({ type: value || undefined })}
              options={[{ value: "", label: t("allTypes") }, ...types.map((one) => ({ value: one, label: type(one) }))]}
              className="w-36"
            />
            <Checkbox
              label={t("activeOnly")}
              checked={filters.active !== undefined}
              onChange={(on) => setFilters({ active: on ? "1" : undefined })}
            />
            <Checkbox
              label={t("starOnly")}
              checked={filters.star !== undefined}
              onChange={(on) => setFilters({ star: on ? "1" : undefined })}
            />
            <SavedViews grid="symbols" filters={VIEW_FILTERS} />
            {markets.data !== undefined && (
              <span className="num text-xs text-muted max-md:hidden">{t("readAt", { time: time(markets.data.readAt) })}</span>
            )}
            <Button
              tone="quiet"
              icon={<Icon name="refresh" />}
              aria-label={t("reload")}
              title={t("reload")}
              disabled={accountId === null}
              busy={reload.isPending}
              onClick={() => accountId !== null && reload.mutate(accountId)}
            />
          </>
        }
      />
      {shown !== undefined && (
        <MarketDrawer
          market={shown}
          onTrade={mayTrade ? trade(shown.symbol) : undefined}
          onClose={() => setDetail(null)}
        />
      )}
    </>
  );
}

/** Read the markets from the exchange again; a failure keeps the rows and is shown. */
function useReload() {
  const { t } = useTranslation("symbols");
  const text = useErrorText();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (accountId: number) => readMarkets(accountId, true),
    onSuccess: (markets, accountId) => client.setQueryData(marketsKey(accountId), markets),
    onError: (error) => toastError(t("reloadFailed"), text(error)),
  });
}
