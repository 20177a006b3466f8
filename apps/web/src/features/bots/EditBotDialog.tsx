import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { changeBot, type Bot } from "@/features/bots/reads";
import { SizingFields, type SizingChoice, type SizingKind } from "@/features/bots/SizingFields";
import { useCatalog } from "@/features/research/catalog";
import { isParameter, parameterFields, parametersOf } from "@/features/research/parameters";
import { ParameterFields } from "@/features/research/ParameterFields";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

interface Props {
  bot: Bot;
  onClose: () => void;
  onDone: () => void;
}

/** Change parameters, size and mode of a bot that is stopped; they count from its next start on. */
export function EditBotDialog({ bot, onClose, onDone }: Props) {
  const { t } = useTranslation("research");
  const entry = useCatalog().find((one) => one.name === bot.strategy && one.version === bot.version);
  const fields = useMemo(() => parameterFields(entry?.parameters), [entry]);
  const before = useMemo(() => Object.fromEntries(Object.entries(bot.params).map(([name, value]) => [name, String(value)])), [bot.params]);
  const [params, setParams] = useState<Record<string, string>>(before);
  const [sizing, setSizing] = useState<SizingChoice>({ kind: bot.sizing.kind as SizingKind, value: bot.sizing.value, mode: bot.mode });
  const sizeText = ({ kind, value }: Pick<SizingChoice, "kind" | "value">) => `${t(`sizing.${kind}`)} ${value}`;
  const changes = [
    ...fields.flatMap(({ name, normal }) => {
      const [old, now] = [before[name] ?? normal, params[name] || normal];
      return old === now ? [] : [{ label: name, before: old, after: now }];
    }),
    ...[
      { label: t("bot.sizing"), before: sizeText({ kind: bot.sizing.kind as SizingKind, value: bot.sizing.value }), after: sizeText(sizing) },
      { label: t("bot.mode"), before: t(`modes.${bot.mode}`), after: t(`modes.${sizing.mode}`) },
    ].filter((change) => change.before !== change.after),
  ];
  const isComplete = sizing.value !== "" && fields.every((field) => isParameter(field, params[field.name] ?? ""));
  return (
    <Confirm
      open
      size="wide"
      tier={2}
      comment="none"
      danger={false}
      onClose={onClose}
      title={t("bot.edit.title", { bot: bot.name })}
      effect={t("bot.edit.effect")}
      action={t("bot.edit.action")}
      changes={changes}
      disabled={!isComplete || changes.length === 0}
      onConfirm={async () => {
        if (sizing.value === "") return;
        const size = { kind: sizing.kind, value: sizing.value };
        // Fields that keep their default are left out: the gateway puts it in their place.
        await changeBot(bot.id, { params: parametersOf(fields, params), sizing: size, mode: sizing.mode });
        toastDone(t("bot.edit.done", { bot: bot.name }));
        onDone();
      }}
    >
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <SizingFields choice={sizing} onChange={setSizing} />
      </div>
      <ParameterFields fields={fields} values={params} onChange={setParams} />
    </Confirm>
  );
}
