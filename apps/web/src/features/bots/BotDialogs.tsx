import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useAccountNames, useScope } from "@/app/scope";
import { ParameterFields } from "@/features/backtests/ParameterFields";
import { isParameter, parameterFields, parametersOf } from "@/features/backtests/schema";
import { createBot, deleteBot, startBot, stopBot, type Bot, type NewBot } from "@/features/bots/reads";
import { TIMEFRAMES, type Timeframe } from "@/features/chart/settings";
import { useInstruments } from "@/features/chart/reads";
import { useCatalog } from "@/features/chart/strategyNames";
import { Checkbox } from "@/kit/Checkbox";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";
import type { Decimal } from "@/lib/decimal";
import { useCan } from "@/lib/permissions";

export type BotAction = "start" | "stop" | "flatten" | "remove";

interface ActionProps {
  bot: Bot;
  action: BotAction;
  onClose: () => void;
  onDone: () => void;
}

const CALLS: Record<BotAction, (id: number) => Promise<void>> = {
  start: startBot,
  stop: (id) => stopBot(id, "keep"),
  flatten: (id) => stopBot(id, "flatten"),
  remove: deleteBot,
};

/** Asks before a bot starts, stops or is deleted; a start on a live account asks for its name and a comment. */
export function BotActionDialog({ bot, action, onClose, onDone }: ActionProps) {
  const { t } = useTranslation("research");
  const account = useAccountNames()(bot.account_id);
  const isLiveStart = action === "start" && account.environment === "live" && bot.mode === "trade";
  const words = { bot: bot.name, account: account.label, symbols: bot.symbols.join(", "), strategy: bot.strategy };
  return (
    <Confirm
      open
      tier={isLiveStart ? 4 : 2}
      {...(isLiveStart ? { phrase: `START ${bot.name}` } : {})}
      danger={action !== "start" || isLiveStart}
      environment={account.environment}
      onClose={onClose}
      title={t(`bot.${action}.title`, words)}
      effect={t(`bot.${action}.effect`, words)}
      action={t(`bot.${action}.action`)}
      onConfirm={async () => {
        await CALLS[action](bot.id);
        onDone();
      }}
    >
      {isLiveStart && <p className="text-sm text-warn">{t("bot.start.live")}</p>}
    </Confirm>
  );
}

const SIZINGS = ["position_pct", "notional", "pct_equity", "qty", "risk_pct"] as const;
type SizingKind = (typeof SIZINGS)[number];

/** Create a bot; it is idle until it is started. */
export function NewBotDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("research");
  const can = useCan();
  const accounts = useScope().accounts.filter((one) => can("automate", one.account_id));
  const strategies = useStrategies().data ?? [];
  const catalog = useCatalog().data ?? [];
  const instruments = useInstruments().data ?? [];
  const [name, setName] = useState("");
  const [account, setAccount] = useState<number | null>(accounts[0]?.account_id ?? null);
  const [trader, setTrader] = useState<number | null>(null);
  const [rule, setRule] = useState<string | null>(null);
  const [series, setSeries] = useState<string | null>(null);
  const [timeframe, setTimeframe] = useState<Timeframe>("1h");
  const [mode, setMode] = useState<"observe" | "trade">("observe");
  const [short, setShort] = useState(false);
  const [sizing, setSizing] = useState<{ kind: SizingKind; value: Decimal | "" }>({ kind: "position_pct", value: "10" });
  const [params, setParams] = useState<Record<string, string>>({});
  const entry = catalog.findLast((one) => one.name === rule);
  const fields = parameterFields(entry?.parameters);
  const base = entry?.timeframe ?? null;
  const [exchange, symbol] = (series ?? "").split(" ");
  const isComplete =
    name.trim() !== "" && account !== null && trader !== null && entry !== undefined && symbol !== undefined && sizing.value !== "";
  return (
    <Confirm
      open
      size="wide"
      tier={2}
      comment="none"
      danger={false}
      onClose={onClose}
      title={t("bot.create.title")}
      effect={t("bot.create.effect")}
      action={t("bot.create.action")}
      disabled={!isComplete || !fields.every((field) => isParameter(field, params[field.name] ?? ""))}
      onConfirm={async () => {
        if (account === null || trader === null || entry === undefined || !exchange || !symbol || sizing.value === "") return;
        const body: NewBot = {
          name: name.trim(),
          account_id: account,
          strategy_id: trader,
          strategy: entry.name,
          version: entry.version,
          params: parametersOf(fields, params),
          exchange,
          symbols: [symbol],
          timeframe: base ?? timeframe,
          mode,
          allow_short: short,
          sizing: { kind: sizing.kind, value: sizing.value },
        };
        const bot = await createBot(body);
        toastDone(t("bot.create.done", { bot: bot.name }));
        onDone();
      }}
    >
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <TextField label={t("bot.name")} value={name} onChange={setName} maxLength={64} autoComplete="off" />
        <Select
          label={t("column.account", { ns: "common" })}
          value={account}
          onChange={setAccount}
          options={accounts.map((one) => ({ value: one.account_id, label: one.label }))}
        />
        <Select
          label={t("bot.trader")}
          value={trader}
          onChange={setTrader}
          options={strategies.map((one) => ({ value: one.strategy_id, label: one.name }))}
        />
        <Select
          label={t("strategy")}
          value={rule}
          onChange={(next) => {
            setRule(next);
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
        <Select
          label={t("bot.sizing")}
          value={sizing.kind}
          onChange={(kind: SizingKind) => setSizing({ ...sizing, kind })}
          options={SIZINGS.map((value) => ({ value, label: t(`sizing.${value}`) }))}
        />
        <DecimalField label={t("bot.size")} value={sizing.value} onChange={(value) => setSizing({ ...sizing, value })} />
        <span className="flex flex-col gap-1">
          <span className="text-xs text-muted">{t("bot.mode")}</span>
          <Segmented
            label={t("bot.mode")}
            value={mode}
            onChange={setMode}
            segments={(["observe", "trade"] as const).map((value) => ({ value, label: t(`modes.${value}`) }))}
          />
        </span>
      </div>
      <Checkbox label={t("settings.allow_short")} checked={short} onChange={setShort} />
      <ParameterFields fields={fields} values={params} onChange={setParams} />
    </Confirm>
  );
}
