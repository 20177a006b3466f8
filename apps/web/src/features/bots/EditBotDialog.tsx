import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { changeBot, restartBot, type Bot } from "@/features/bots/reads";
import { SizingFields, type SizingChoice, type SizingKind } from "@/features/bots/SizingFields";
import { StartChecklist } from "@/features/bots/StartChecklist";
import { useCatalog } from "@/features/research/catalog";
import { isParameter, parameterFields, parametersOf } from "@/features/research/parameters";
import { ParameterFields } from "@/features/research/ParameterFields";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

interface Props {
  bot: Bot;
  /** The bot runs, and restarts with what changes. */
  restarts: boolean;
  onClose: () => void;
  onDone: () => void;
}

/** Change parameters, size and mode of a bot: of one that is stopped from its next start on, else with a restart. */
export function EditBotDialog({ bot, restarts, onClose, onDone }: Props) {
  const { t } = useTranslation("research");
  const entry = useCatalog().find((one) => one.name === bot.strategy && one.version === bot.version);
  const fields = useMemo(() => parameterFields(entry?.parameters), [entry]);
  const before = useMemo(() => Object.fromEntries(Object.entries(bot.params).map(([name, value]) => [name, String(value)])), [bot.params]);
  const [params, setParams] = useState<Record<string, string>>(before);
  const [sizing, setSizing] = useState<SizingChoice>({ kind: bot.sizing.kind as SizingKind, value: bot.sizing.value, mode: bot.mode });
  const sizeText = ({ kind, value }: Pick<SizingChoice, "kind" | "value">) => `${t(`sizing.${kind}`)} ${value}`;
  const newParams = fields.flatMap(({ name, normal }) => {
    const [old, now] = [before[name] ?? normal, params[name] || normal];
    return old === now ? [] : [{ label: name, before: old, after: now }];
  });
  const changes = [
    ...newParams,
    ...[
      { label: t("bot.sizing"), before: sizeText({ kind: bot.sizing.kind as SizingKind, value: bot.sizing.value }), after: sizeText(sizing) },
      { label: t("bot.mode"), before: t(`modes.${bot.mode}`), after: t(`modes.${sizing.mode}`) },
    ].filter((change) => change.before !== change.after),
  ];
  const account = useAccountNames()(bot.account_id);
  const [accepted, setAccepted] = useState(false);
  const [isMet, setMet] = useState(false);
  const isLive = restarts && account.environment === "live" && sizing.mode === "trade";
  const words = restarts ? "bot.restart" : "bot.edit";
  const isComplete = sizing.value !== "" && fields.every((field) => isParameter(field, params[field.name] ?? ""));
  return (
    <Confirm
      open
      size="wide"
      tier={isLive ? 4 : 2}
      {...(isLive ? { phrase: `RESTART ${bot.name}` } : { comment: "none" as const })}
      danger={isLive}
      {...(restarts ? { environment: account.environment } : {})}
      onClose={onClose}
      title={t(`${words}.title`, { bot: bot.name })}
      effect={t(`${words}.effect`)}
      action={t(`${words}.action`)}
      changes={changes}
      disabled={!isComplete || (!restarts && changes.length === 0) || (isLive && !isMet && !accepted)}
      onConfirm={async () => {
        if (sizing.value === "") return;
        const size = { kind: sizing.kind, value: sizing.value };
        // Fields that keep their default are left out: the gateway puts it in their place.
        const change = { params: parametersOf(fields, params), sizing: size, mode: sizing.mode };
        await (restarts ? restartBot(bot.id, change) : changeBot(bot.id, change));
        toastDone(t(`${words}.done`, { bot: bot.name }));
        onDone();
      }}
    >
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <SizingFields choice={sizing} onChange={setSizing} />
      </div>
      <ParameterFields
        fields={fields}
        values={params}
        onChange={(changed) => {
          setParams(changed);
          // What was accepted was the start with the parameters before.
          setAccepted(false);
        }}
      />
      {isLive && (
        <StartChecklist bot={bot} hasNewParameters={newParams.length > 0} accepted={accepted} onAccept={setAccepted} onChecked={setMet} />
      )}
    </Confirm>
  );
}
