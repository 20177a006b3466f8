import { useTranslation } from "react-i18next";
import type { Market } from "@/features/trade/markets";
import type { Estimate } from "@/features/trade/sizing";
import { LEVEL_UNITS, type Draft, type Ticket } from "@/features/trade/ticket";
import { DecimalField } from "@/kit/DecimalField";
import { Segmented } from "@/kit/Segmented";
import type { Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { placesOf, profitCurrency, quoteCurrency } from "@/lib/symbol";

interface Props {
  draft: Draft;
  ticket: Ticket;
  onChange: (change: Partial<Draft>) => void;
  market: Market | undefined;
  estimate: Estimate;
}

/** Stop and target as prices, percents or multiples of the risk, with the result at each. */
export function LevelFields({ draft, ticket, onChange, market, estimate }: Props) {
  const { t } = useTranslation("trade");
  const { number } = useFormats();
  const symbol = ticket.symbol ?? "";
  const quote = quoteCurrency(symbol);
  const currency = profitCurrency(symbol);
  const { levelUnit } = draft;
  const priced = { unit: quote, step: market?.priceStep };
  const stopIn = levelUnit === "percent" ? { unit: "%" } : priced;
  const targetIn = levelUnit === "price" ? priced : { unit: levelUnit === "percent" ? "%" : t("riskUnit") };
  const priceOf = (typed: Decimal | "", price: Decimal | "", shown: boolean) =>
    typed === "" || shown ? undefined : price === "" ? t(levelUnit === "risk" ? "noRisk" : "noEntry") : `= ${number(price)} ${quote}`;
  const result = (value: Decimal) => `${number(value, { places: placesOf(currency), plus: true })} ${currency}`;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="sr-only">{t("levels")}</legend>
      <span aria-hidden className="-mb-1 text-xs text-muted">
        {t("levelsAs")}
      </span>
      <Segmented
        label={t("levelUnit")}
        value={levelUnit}
        onChange={(next) => onChange({ levelUnit: next, stop: "", target: "" })}
        segments={LEVEL_UNITS.map((value) => ({ value, label: t(`levelUnits.${value}`) }))}
      />
      <div className="grid grid-cols-2 gap-2">
        <DecimalField
          label={t("stopLoss")}
          {...stopIn}
          value={draft.stop}
          onChange={(stop) => onChange({ stop })}
          description={priceOf(draft.stop, ticket.stopLoss, levelUnit !== "percent")}
        />
        <DecimalField
          label={t("takeProfit")}
          {...targetIn}
          value={draft.target}
          onChange={(target) => onChange({ target })}
          description={priceOf(draft.target, ticket.takeProfit, levelUnit === "price")}
        />
      </div>
      {(estimate.stop !== null || estimate.target !== null) && (
        <p role="status" className="num text-xs text-muted">
          {estimate.stop !== null && t("atStop", { result: result(estimate.stop) })}
          {estimate.stop !== null && estimate.target !== null && " · "}
          {estimate.target !== null && t("atTarget", { result: result(estimate.target) })}
          {estimate.multiple !== null && ` · ${t("multiple", { value: number(estimate.multiple, { places: 2 }) })}`}
          {` (${t("beforeFees")})`}
        </p>
      )}
    </fieldset>
  );
}
