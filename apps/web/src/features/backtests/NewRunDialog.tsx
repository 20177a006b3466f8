import { useState } from "react";
import { useTranslation } from "react-i18next";
import { RANKS, requestRun, requestSweep, type Rank, type RunRequest, type SweepRequest } from "@/features/backtests/reads";
import { SweepFields, type SweepTerms } from "@/features/backtests/SweepFields";
import { gridOf, parametersOf } from "@/features/research/parameters";
import { StrategyFields, useStrategyForm } from "@/features/research/StrategyForm";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Segmented } from "@/kit/Segmented";
import type { Decimal } from "@/lib/decimal";

const NUMBERS = ["initial_balance", "commission", "slippage", "position_pct", "stop_loss_pct", "take_profit_pct", "stop_trailing_pct"] as const;
type NumberName = (typeof NUMBERS)[number];
const USUAL: Partial<Record<NumberName, Decimal>> = { initial_balance: "10000", commission: "0.001", slippage: "0.0005", position_pct: "95" };
const RANK: Rank = "sharpe_ratio";

/** The types of the schema have numbers as text; the gateway takes whole ones as numbers, too. */
type SentGrid = Pick<SweepRequest, "grid" | "params">;

interface Props {
  /** The strategy that is chosen at first. */
  strategy: string | null;
  onClose: () => void;
  onRequested: (id: number) => void;
}

function useSettings() {
  const [days, setDays] = useState({ start: "", end: "" });
  const [numbers, setNumbers] = useState<Partial<Record<NumberName, Decimal | "">>>(USUAL);
  const given = Object.entries(numbers).filter((one): one is [NumberName, Decimal] => one[1] !== "");
  const body: Partial<RunRequest> = {
    ...(days.start === "" ? {} : { start: `${days.start}T00:00:00Z` }),
    ...(days.end === "" ? {} : { end: `${days.end}T00:00:00Z` }),
    ...Object.fromEntries(given),
  };
  return { days, setDays, numbers, setNumbers, body };
}

/** The days, the money and the costs of a run. */
function SettingFields({ days, setDays, numbers, setNumbers }: ReturnType<typeof useSettings>) {
  const { t } = useTranslation("research");
  return (
    <>
      <TextField label={t("run.start")} type="date" value={days.start} onChange={(start) => setDays({ ...days, start })} />
      <TextField label={t("run.end")} type="date" value={days.end} onChange={(end) => setDays({ ...days, end })} />
      {NUMBERS.map((name) => (
        <DecimalField
          key={name}
          label={t(`settings.${name}`)}
          value={numbers[name] ?? ""}
          onChange={(value) => setNumbers({ ...numbers, [name]: value })}
          min="0"
        />
      ))}
    </>
  );
}

/** Request one run, or a sweep over parameters: strategy, candles, money and costs. */
export function NewRunDialog({ strategy, onClose, onRequested }: Props) {
  const { t } = useTranslation("research");
  const form = useStrategyForm(strategy);
  const settings = useSettings();
  const [kind, setKind] = useState<"run" | "sweep">("run");
  const [terms, setTerms] = useState<SweepTerms>({ axes: {}, where: "", sort: RANK, folds: "" });
  const isSweep = kind === "sweep";
  const grid = gridOf(form.fields, terms.axes);
  const { chosen } = form;
  const isReady = chosen !== null && (isSweep ? grid !== null : form.hasParams);
  const request = async () => {
    if (chosen === null) return;
    const base = { ...chosen, ...settings.body };
    if (!isSweep) onRequested(await requestRun({ ...base, params: parametersOf(form.fields, form.choice.params) as Record<string, string> }));
    else if (grid !== null) {
      const where = terms.where.split(",").map((part) => part.trim()).filter((part) => part !== "");
      const folds = terms.folds === "" ? {} : { folds: Number.parseInt(terms.folds, 10) };
      onRequested(await requestSweep({ ...base, ...(grid as SentGrid), where, sort: terms.sort, ...folds }));
    }
  };
  return (
    <Confirm
      open
      size="wide"
      tier={2}
      comment="none"
      danger={false}
      onClose={onClose}
      title={t("run.title")}
      effect={t(isSweep ? "sweep.effect" : "run.effect")}
      action={t("run.action")}
      disabled={!isReady}
      onConfirm={request}
    >
      <Segmented
        label={t("kinds.label")}
        value={kind}
        onChange={setKind}
        segments={(["run", "sweep"] as const).map((value) => ({ value, label: t(`kinds.${value}`) }))}
      />
      <StrategyFields form={form} after={<SettingFields {...settings} />}>
        {isSweep ? <SweepFields fields={form.fields} terms={terms} onChange={setTerms} ranks={RANKS} /> : undefined}
      </StrategyFields>
    </Confirm>
  );
}
