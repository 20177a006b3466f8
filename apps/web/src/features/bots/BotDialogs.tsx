import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useAccountNames, useScope } from "@/app/scope";
import { createBot, deleteBot, startBot, stopBot, type Bot, type NewBot } from "@/features/bots/reads";
import { StartChecklist } from "@/features/bots/StartChecklist";
import { SizingFields, type SizingChoice } from "@/features/bots/SizingFields";
import { parametersOf } from "@/features/research/parameters";
import { StrategyFields, useStrategyForm } from "@/features/research/StrategyForm";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";
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
  const [accepted, setAccepted] = useState(false);
  const [isMet, setMet] = useState(false);
  const isLiveStart = action === "start" && account.environment === "live" && bot.mode === "trade";
  const words = { bot: bot.name, account: account.label, symbols: bot.symbols.join(", "), strategy: bot.strategy };
  return (
    <Confirm
      open
      tier={isLiveStart ? 4 : 2}
      {...(isLiveStart ? { phrase: `START ${bot.name}` } : {})}
      danger={action !== "start" || isLiveStart}
      disabled={isLiveStart && !isMet && !accepted}
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
      {isLiveStart && <StartChecklist bot={bot} hasNewParameters={false} accepted={accepted} onAccept={setAccepted} onChecked={setMet} />}
    </Confirm>
  );
}

interface NewBotProps {
  /** The strategy that is chosen at first. */
  strategy: string | null;
  onClose: () => void;
  onDone: () => void;
}

/** Create a bot; it is idle until it is started. */
export function NewBotDialog({ strategy, onClose, onDone }: NewBotProps) {
  const { t } = useTranslation("research");
  const can = useCan();
  const accounts = useScope().accounts.filter((one) => can("automate", one.account_id));
  const traders = useStrategies().data ?? [];
  const form = useStrategyForm(strategy);
  const [name, setName] = useState("");
  const [account, setAccount] = useState<number | null>(accounts[0]?.account_id ?? null);
  const [trader, setTrader] = useState<number | null>(null);
  const [sizing, setSizing] = useState<SizingChoice>({ kind: "position_pct", value: "10", mode: "observe" });
  const { chosen } = form;
  const isComplete = name.trim() !== "" && account !== null && trader !== null && chosen !== null && sizing.value !== "";
  const create = async () => {
    if (account === null || trader === null || chosen === null || sizing.value === "") return;
    const { symbol, ...series } = chosen;
    const body: NewBot = {
      ...series,
      symbols: [symbol],
      name: name.trim(),
      account_id: account,
      strategy_id: trader,
      params: parametersOf(form.fields, form.choice.params),
      mode: sizing.mode,
      sizing: { kind: sizing.kind, value: sizing.value },
    };
    const bot = await createBot(body);
    toastDone(t("bot.create.done", { bot: bot.name }));
    onDone();
  };
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
      disabled={!isComplete || !form.hasParams}
      onConfirm={create}
    >
      <StrategyFields
        form={form}
        before={
          <>
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
              options={traders.map((one) => ({ value: one.strategy_id, label: one.name }))}
            />
          </>
        }
        after={<SizingFields choice={sizing} onChange={setSizing} />}
      />
    </Confirm>
  );
}
