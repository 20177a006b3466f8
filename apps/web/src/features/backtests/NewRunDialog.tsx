import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ParameterFields } from "@/features/backtests/ParameterFields";
import { requestRun, type RunRequest } from "@/features/backtests/reads";
import { isParameter, parameterFields, parametersOf } from "@/features/backtests/schema";
import { useInstruments } from "@/features/chart/reads";
import { TIMEFRAMES, type Timeframe } from "@/features/chart/settings";
import { useCatalog } from "@/features/chart/strategyNames";
import { Checkbox } from "@/kit/Checkbox";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import type { Decimal } from "@/lib/decimal";

const NUMBERS = ["initial_balance", "commission", "slippage", "position_pct", "stop_loss_pct", "take_profit_pct", "stop_trailing_pct"] as const;
type NumberName = (typeof NUMBERS)[number];
const USUAL: Partial<Record<NumberName, Decimal>> = { initial_balance: "10000", commission: "0.001", slippage: "0.0005", position_pct: "95" };

interface Props {
  onClose: () => void;
  onRequested: (id: number) => void;
}

/** Request a run: strategy with its parameters, candles, money and costs. */
export function NewRunDialog({ onClose, onRequested }: Props) {
  const { t } = useTranslation("research");
  const catalog = useCatalog().data ?? [];
  const instruments = useInstruments().data ?? [];
  const [name, setName] = useState<string | null>(null);
  const [series, setSeries] = useState<string | null>(null);
  const [timeframe, setTimeframe] = useState<Timeframe>("1h");
  const [days, setDays] = useState({ start: "", end: "" });
  const [numbers, setNumbers] = useState<Partial<Record<NumberName, Decimal | "">>>(USUAL);
  const [short, setShort] = useState(false);
  const [params, setParams] = useState<Record<string, string>>({});
  const entry = catalog.findLast((one) => one.name === name);
  const fields = parameterFields(entry?.parameters);
  const base = entry?.timeframe ?? null;
  const [exchange, symbol] = (series ?? "").split(" ");
  const complete =
    entry !== undefined && exchange && symbol && fields.every((field) => isParameter(field, params[field.name] ?? ""));
  return (
    <Confirm
      open
      size="wide"
      tier={2}
      comment="none"
      danger={false}
      onClose={onClose}
      title={t("run.title")}
      effect={t("run.effect")}
      action={t("run.action")}
      disabled={!complete}
      onConfirm={async () => {
        if (entry === undefined || !exchange || !symbol) return;
        const given = Object.entries(numbers).filter((one): one is [NumberName, Decimal] => one[1] !== "");
        const body: RunRequest = {
          strategy: entry.name,
          version: entry.version,
          params: parametersOf(fields, params) as Record<string, string>,
          exchange,
          symbol,
          timeframe: base ?? timeframe,
          allow_short: short,
          ...(days.start === "" ? {} : { start: `${days.start}T00:00:00Z` }),
          ...(days.end === "" ? {} : { end: `${days.end}T00:00:00Z` }),
          ...Object.fromEntries(given),
        };
        onRequested(await requestRun(body));
      }}
    >
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <Select
          label={t("strategy")}
          value={name}
          onChange={(next) => {
            setName(next);
            setParams({});
          }}
          options={[...new Set(catalog.map((one) => one.name))].map((value) => ({ value, label: value }))}
        />
        <Combobox
          label={t("instrument")}
          value={series}
          onChange={setSeries}
          options={instruments.map((one) => ({ value: `${one.exchange} ${one.symbol}`, label: `${one.symbol} · ${one.exchange}` }))}
        />
        <Select
          label={t("timeframe")}
          value={base ?? timeframe}
          onChange={(next: Timeframe) => setTimeframe(next)}
          disabled={base !== null}
          options={TIMEFRAMES.map((value) => ({ value, label: value }))}
        />
        <TextField label={t("run.start")} type="date" value={days.start} onChange={(start) => setDays({ ...days, start })} />
        <TextField label={t("run.end")} type="date" value={days.end} onChange={(end) => setDays({ ...days, end })} />
        {NUMBERS.map((field) => (
          <DecimalField
            key={field}
            label={t(`settings.${field}`)}
            value={numbers[field] ?? ""}
            onChange={(value) => setNumbers({ ...numbers, [field]: value })}
            min="0"
          />
        ))}
      </div>
      <Checkbox label={t("settings.allow_short")} checked={short} onChange={setShort} />
      {entry !== undefined && <p className="text-sm text-muted">{entry.summary}</p>}
      <ParameterFields fields={fields} values={params} onChange={setParams} />
    </Confirm>
  );
}
