import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ActiveCell, useTypeWord } from "@/features/symbols/columns";
import type { MarketRow } from "@/features/symbols/markets";
import { Button } from "@/kit/Button";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { NOTHING, useFormats } from "@/lib/format";

interface Props {
  market: MarketRow;
  /** Opens the ticket; absent: the user may not trade on the account. */
  onTrade: (() => void) | undefined;
  onClose: () => void;
}

/** The rules of one symbol. */
export function MarketDrawer({ market, onTrade, onClose }: Props) {
  const { t } = useTranslation("symbols");
  const { number, time } = useFormats();
  const type = useTypeWord();
  const fee = (value: string | null) => (value === null ? NOTHING : `${number(value)} %`);
  return (
    <DetailDrawer open onClose={onClose} title={market.symbol}>
      <Facts
        facts={[
          [t("column.type"), type(market.type)],
          [t("column.active"), <ActiveCell key="active" row={market} />],
          [t("column.base"), market.base],
          [t("column.quote"), market.quote],
          [t("column.settle"), market.settle ?? NOTHING],
          [t("column.priceStep"), number(market.priceStep)],
          [t("column.qtyStep"), number(market.qtyStep)],
          [t("column.minQty"), number(market.minQty)],
          [t("column.maxQty"), number(market.maxQty)],
          [t("column.minNotional"), number(market.minNotional)],
          [t("column.maker"), fee(market.maker)],
          [t("column.taker"), fee(market.taker)],
          [t("column.contractSize"), number(market.contractSize)],
          [t("column.inverse"), market.contractSize === null ? NOTHING : t(market.inverse ? "yes" : "no")],
          [t("column.leverage"), number(market.maxLeverage)],
          [t("column.expiry"), time(market.expiry)],
        ]}
      />
      {onTrade !== undefined && (
        <Button tone="primary" className="self-start" onClick={onTrade}>
          {t("trade")}
        </Button>
      )}
    </DetailDrawer>
  );
}

/** Open the ticket of the trade desk with an account and a symbol. */
export function useOpenTicket(): (accountId: number, symbol: string) => void {
  const navigate = useNavigate();
  return (accountId, symbol) =>
    void navigate({ to: "/trade", search: { acc: String(accountId), trade: symbol } as never });
}
