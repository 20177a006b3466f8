import { useTranslation } from "react-i18next";
import { useInstruments } from "@/features/chart/reads";
import { TIMEFRAMES, type Timeframe } from "@/features/chart/settings";
import { Combobox } from "@/kit/Combobox";
import { Select } from "@/kit/Select";

/** A stored symbol of an exchange. */
export interface SeriesName {
  exchange: string;
  symbol: string;
}

interface InstrumentProps {
  value: SeriesName | null;
  onChange: (value: SeriesName | null) => void;
  hiddenLabel?: boolean;
  className?: string;
}

/** Chooses a symbol that candles are stored for. */
export function InstrumentField({ value, onChange, ...rest }: InstrumentProps) {
  const { t } = useTranslation("research");
  const instruments = useInstruments().data ?? [];
  return (
    <Combobox
      {...rest}
      label={t("instrument")}
      value={value === null ? null : `${value.exchange} ${value.symbol}`}
      onChange={(text) => {
        const [exchange, symbol] = (text ?? "").split(" ");
        onChange(exchange && symbol ? { exchange, symbol } : null);
      }}
      options={instruments.map((one) => ({ value: `${one.exchange} ${one.symbol}`, label: `${one.symbol} · ${one.exchange}` }))}
    />
  );
}

interface TimeframeProps {
  value: Timeframe;
  onChange: (value: Timeframe) => void;
  disabled?: boolean;
}

export function TimeframeField({ value, onChange, disabled = false }: TimeframeProps) {
  const { t } = useTranslation("research");
  return (
    <Select
      label={t("timeframe")}
      value={value}
      onChange={onChange}
      disabled={disabled}
      options={TIMEFRAMES.map((name) => ({ value: name, label: name }))}
    />
  );
}
