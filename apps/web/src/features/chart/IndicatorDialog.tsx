import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  COLOURS,
  indicatorName,
  INDICATORS_MAX,
  KINDS,
  LENGTH_MAX,
  indicatorsText,
  newIndicator,
  readIndicators,
  WIDTHS,
  type Indicator,
  type Kind,
} from "@/features/chart/indicators";
import { saveIndicators, useSavedIndicators } from "@/features/chart/indicatorSets";
import { Button } from "@/kit/Button";
import { Dialog } from "@/kit/Dialog";
import { TextField } from "@/kit/Field";
import { Icon } from "@/kit/Icon";
import { Select } from "@/kit/Select";

interface Props {
  /** Whose set is kept; null: that of charts without a strategy. */
  strategy: string | null;
  indicators: readonly Indicator[];
  onChange: (indicators: readonly Indicator[]) => void;
  onClose: () => void;
}

const LENGTH_NAMES = { one: ["length"], three: ["fast", "slow", "signal"] } as const;

/** Choose the indicators over the candles: kind, lengths, colour and width of each. */
export function IndicatorDialog({ strategy, indicators, onChange, onClose }: Props) {
  const { t } = useTranslation("chart");
  const [added, setAdded] = useState<Kind>("sma");
  const replace = (index: number, next: Indicator) => onChange(indicators.map((one, at) => (at === index ? next : one)));
  const full = indicators.length >= INDICATORS_MAX;
  return (
    <Dialog open size="wide" onClose={onClose} title={t("indicators.title")}>
      {indicators.length === 0 && <p className="text-sm text-muted">{t("indicators.none")}</p>}
      <ul className="flex flex-col gap-2">
        {indicators.map((indicator, index) => (
          <li key={`${index} ${indicator.kind}`}>
            <IndicatorFields
              indicator={indicator}
              onChange={(next) => replace(index, next)}
              onRemove={() => onChange(indicators.filter((_one, at) => at !== index))}
            />
          </li>
        ))}
      </ul>
      <div className="flex items-end gap-2 border-t border-line pt-3">
        <Select
          label={t("indicators.kind")}
          value={added}
          onChange={(kind: Kind) => setAdded(kind)}
          options={KINDS.map((value) => ({ value, label: t(`indicators.kinds.${value}`) }))}
          className="w-64"
        />
        <Button icon={<Icon name="plus" />} disabled={full} onClick={() => onChange([...indicators, newIndicator(added, indicators)])}>
          {t("indicators.add")}
        </Button>
      </div>
      <SavedSet strategy={strategy} indicators={indicators} onChange={onChange} />
      <p className="text-2xs text-muted">{t("indicators.note")}</p>
    </Dialog>
  );
}

/** The set of the strategy: kept as it is here, or taken again. */
function SavedSet({ strategy, indicators, onChange }: Pick<Props, "strategy" | "indicators" | "onChange">) {
  const { t } = useTranslation("chart");
  const saved = useSavedIndicators(strategy);
  const text = indicatorsText(indicators) ?? "";
  const of = strategy ?? t("strategy.none");
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button disabled={saved === text} onClick={() => saveIndicators(strategy, text)}>
        {t("indicators.keep", { strategy: of })}
      </Button>
      <Button disabled={saved === undefined || saved === text} onClick={() => onChange(readIndicators(saved))}>
        {t("indicators.take", { strategy: of })}
      </Button>
    </div>
  );
}

interface FieldsProps {
  indicator: Indicator;
  onChange: (next: Indicator) => void;
  onRemove: () => void;
}

function IndicatorFields({ indicator, onChange, onRemove }: FieldsProps) {
  const { t } = useTranslation("chart");
  const names = indicator.lengths.length === 1 ? LENGTH_NAMES.one : LENGTH_NAMES.three;
  const name = indicatorName(indicator);
  return (
    <fieldset className="flex flex-wrap items-end gap-2">
      <legend className="text-sm font-semibold">{name}</legend>
      {names.map((field, index) => (
        <LengthField
          key={field}
          label={t(`indicators.${field}`)}
          value={indicator.lengths[index] ?? 1}
          onChange={(value) => onChange({ ...indicator, lengths: indicator.lengths.map((one, at) => (at === index ? value : one)) })}
        />
      ))}
      <Select
        label={t("indicators.colour")}
        value={indicator.colour}
        onChange={(colour) => onChange({ ...indicator, colour })}
        options={COLOURS.map((value) => ({ value: value as string, label: t(`indicators.colours.${value}`) }))}
        className="w-28"
      />
      <Select
        label={t("indicators.width")}
        value={indicator.width}
        onChange={(width) => onChange({ ...indicator, width })}
        options={WIDTHS.map((value) => ({ value, label: String(value) }))}
        className="w-16"
      />
      <Button tone="quiet" icon={<Icon name="close" />} aria-label={t("indicators.remove", { name })} onClick={onRemove} />
    </fieldset>
  );
}

/** A length; what is no whole number within the bounds is said and changes nothing. */
function LengthField({ label, value, onChange }: { label: string; value: number; onChange: (value: number) => void }) {
  const { t } = useTranslation("chart");
  const [text, setText] = useState(String(value));
  const read = /^\d{1,4}$/.test(text.trim()) ? Number(text) : 0;
  const isFine = read >= 1 && read <= LENGTH_MAX;
  return (
    <TextField
      label={label}
      value={text}
      inputMode="numeric"
      autoComplete="off"
      className="w-24"
      error={isFine ? undefined : t("indicators.bounds", { max: LENGTH_MAX })}
      onChange={(next) => {
        setText(next);
        const number = /^\d{1,4}$/.test(next.trim()) ? Number(next) : 0;
        if (number >= 1 && number <= LENGTH_MAX) onChange(number);
      }}
    />
  );
}
