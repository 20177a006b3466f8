import { useQuery } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLimitName } from "@/app/limitNames";
import { useAccountNames } from "@/app/scope";
import { OFFSET_MAX_S, readClock } from "@/features/accounts/connection";
import { useBalanceText } from "@/features/bots/columns";
import { useBotFigures, useBots, type Bot } from "@/features/bots/reads";
import { lastPaperRun } from "@/features/bots/paperRun";
import { usageOptions } from "@/features/risk/reads";
import { Checkbox } from "@/kit/Checkbox";
import { useErrorText } from "@/kit/errorText";
import { StatusPill } from "@/kit/StatusPill";
import { sign } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

interface Props {
  bot: Bot;
  /** Whether the user starts the bot although a point is not met. */
  accepted: boolean;
  onAccept: (accepted: boolean) => void;
  /** Called with whether all points are met. */
  onChecked: (isMet: boolean) => void;
}

interface Point {
  label: string;
  /** Null: not read yet. */
  isMet: boolean | null;
  text: ReactNode;
}

/** What is checked before a bot trades a live account: limits, balance, clock, and its last run on paper. */
export function StartChecklist({ bot, accepted, onAccept, onChecked }: Props) {
  const { t } = useTranslation("research");
  const points = [useLimits(bot), useBalance(bot), useClock(bot), usePaperRun(bot)];
  const isMet = points.every((point) => point.isMet === true);
  useEffect(() => onChecked(isMet), [isMet, onChecked]);
  return (
    <section aria-label={t("bot.check.title")} className="flex flex-col gap-2">
      <h3 className="text-sm font-semibold">{t("bot.check.title")}</h3>
      <dl className="flex flex-col text-sm">
        {points.map((point) => (
          <div key={point.label} className="flex items-baseline justify-between gap-4 border-t border-line py-1">
            <dt>
              <StatusPill tone={point.isMet === null ? "neutral" : point.isMet ? "good" : "warn"}>{point.label}</StatusPill>
            </dt>
            <dd className="num text-end text-xs text-muted">{point.text}</dd>
          </div>
        ))}
      </dl>
      {!isMet && <Checkbox label={t("bot.check.accept")} checked={accepted} onChange={onAccept} />}
    </section>
  );
}

function useLimits(bot: Bot): Point {
  const { t } = useTranslation("research");
  const name = useLimitName();
  const { data, error } = useQuery({ ...usageOptions(bot.account_id), refetchInterval: false });
  const failed = useFailure(error);
  const names = [...new Set((data?.items ?? []).map((item) => name(item.key)))].join(", ");
  return {
    label: t("bot.check.limits"),
    isMet: data === undefined ? failed.isMet : data.items.length > 0,
    text: failed.text ?? (data === undefined ? t("bot.check.reading") : names || t("bot.check.noLimits")),
  };
}

function useBalance(bot: Bot): Point {
  const { t } = useTranslation("research");
  const { data, error } = useBotFigures();
  const failed = useFailure(error);
  const figures = data?.get(bot.id);
  const balance = useBalanceText();
  const rows = figures?.balances ?? [];
  return {
    label: t("bot.balance"),
    isMet: data === undefined ? failed.isMet : rows.some((row) => sign(row.free ?? row.total) > 0),
    text: failed.text ?? (data === undefined ? t("bot.check.reading") : balance(figures)),
  };
}

function useClock(bot: Bot): Point {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const { data, error } = useQuery({ queryKey: ["bots", "clock", bot.account_id], queryFn: () => readClock(bot.account_id), retry: false });
  const failed = useFailure(error);
  const seconds = Math.abs(data?.offsetSeconds ?? 0);
  return {
    label: t("bot.check.clock"),
    isMet: data === undefined ? failed.isMet : seconds <= OFFSET_MAX_S,
    text: failed.text ?? (data === undefined ? t("bot.check.reading") : t("bot.check.offset", { time: time(data.time), seconds })),
  };
}

function usePaperRun(bot: Bot): Point {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const names = useAccountNames();
  const { data, error } = useBots();
  const failed = useFailure(error);
  const run = data === undefined ? null : lastPaperRun(bot, data, (id) => names(id).environment);
  const words = { bot: run?.bot.name ?? "", at: time(run?.until ?? null) };
  const found = run === null ? t("bot.check.noRun") : t(run.hasParameters ? "bot.check.run" : "bot.check.otherRun", words);
  return {
    label: t("bot.check.paper"),
    isMet: data === undefined ? failed.isMet : run?.hasParameters === true,
    text: failed.text ?? (data === undefined ? t("bot.check.reading") : found),
  };
}

/** What is shown of a read that failed: its point is not met. */
function useFailure(error: unknown): { isMet: false | null; text: string | null } {
  const text = useErrorText();
  return error === null ? { isMet: null, text: null } : { isMet: false, text: text(error) };
}
