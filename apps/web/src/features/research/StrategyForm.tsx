import { useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Timeframe } from "@/features/chart/settings";
import { namesOf, useCatalog, type CatalogEntry } from "@/features/research/catalog";
import { ParameterFields } from "@/features/research/ParameterFields";
import { isParameter, parameterFields, type ParameterField } from "@/features/research/parameters";
import { InstrumentField, TimeframeField, type SeriesName } from "@/features/research/SeriesFields";
import { Checkbox } from "@/kit/Checkbox";
import { Select } from "@/kit/Select";

interface Choice {
  name: string | null;
  series: SeriesName | null;
  timeframe: Timeframe;
  allowShort: boolean;
  params: Record<string, string>;
}

export interface StrategyForm {
  choice: Choice;
  change: (part: Partial<Choice>) => void;
  entry: CatalogEntry | undefined;
  fields: readonly ParameterField[];
  /** That of the strategy, where it has one. */
  timeframe: Timeframe;
  /** Every parameter can be sent. */
  hasParams: boolean;
  /** What a request names; null: something is not chosen yet. */
  chosen: (SeriesName & { strategy: string; version: string; timeframe: Timeframe; allow_short: boolean }) | null;
}

/** What a backtest and a bot have in common: a strategy with its parameters, on a stored series. */
export function useStrategyForm(first: string | null): StrategyForm {
  const catalog = useCatalog();
  const [choice, setChoice] = useState<Choice>({ name: first, series: null, timeframe: "1h", allowShort: false, params: {} });
  const entry = catalog.findLast((one) => one.name === choice.name);
  const fields = useMemo(() => parameterFields(entry?.parameters), [entry]);
  const timeframe = entry?.timeframe ?? choice.timeframe;
  const { series, allowShort, params } = choice;
  return {
    choice,
    change: (part) => setChoice((now) => ({ ...now, ...part })),
    entry,
    fields,
    timeframe,
    hasParams: fields.every((field) => isParameter(field, params[field.name] ?? "")),
    chosen:
      entry === undefined || series === null
        ? null
        : { ...series, strategy: entry.name, version: entry.version, timeframe, allow_short: allowShort },
  };
}

interface Props {
  form: StrategyForm;
  /** Fields before those of strategy and series, and after them. */
  before?: ReactNode;
  after?: ReactNode;
  /** In place of the fields of the parameters. */
  children?: ReactNode;
}

/** The fields of a strategy and its series, with those of the caller. */
export function StrategyFields({ form, before, after, children }: Props) {
  const { t } = useTranslation("research");
  const catalog = useCatalog();
  const { choice, change, entry, fields, timeframe } = form;
  return (
    <>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        {before}
        <Select
          label={t("strategy")}
          value={choice.name}
          onChange={(name) => change({ name, params: {} })}
          options={namesOf(catalog).map((value) => ({ value, label: value }))}
        />
        <InstrumentField value={choice.series} onChange={(series) => change({ series })} />
        <TimeframeField
          value={timeframe}
          onChange={(next) => change({ timeframe: next })}
          disabled={entry !== undefined && entry.timeframe !== null}
        />
        {after}
      </div>
      <Checkbox label={t("settings.allow_short")} checked={choice.allowShort} onChange={(allowShort) => change({ allowShort })} />
      {entry !== undefined && <p className="text-sm text-muted">{entry.summary}</p>}
      {children ?? <ParameterFields fields={fields} values={choice.params} onChange={(params) => change({ params })} />}
    </>
  );
}
