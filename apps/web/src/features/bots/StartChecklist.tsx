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
  /** Whether it starts with other parameters than it has now. */
  hasNewParameters: boolean;
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
export function StartChecklist({ bot, hasNewParameters, accepted, onAccept, onChecked }: Props) {
  const { t } = useTranslation("research");
  const points = [useLimits(bot), useBalance(bot), useClock(bot), usePaperRun(bot, hasNewParameters)];
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
  return usePoint(t("bot.check.limits"), useQuery({ ...usageOptions(bot.account_id), refetchInterval: false }), ({ items }) => ({
    isMet: items.length > 0,
    text: [...new Set(items.map((item) => name(item.key)))].join(", ") || t("bot.check.noLimits"),
  }));
}

function useBalance(bot: Bot): Point {
  const { t } = useTranslation("research");
  const balance = useBalanceText();
  return usePoint(t("bot.balance"), useBotFigures(), (figures) => {
    const rows = figures.get(bot.id)?.balances ?? [];
    return { isMet: rows.some((row) => sign(row.free ?? row.total) > 0), text: balance(figures.get(bot.id)) };
  });
}

function useClock(bot: Bot): Point {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const query = useQuery({ queryKey: ["bots", "clock", bot.account_id], queryFn: () => readClock(bot.account_id), retry: false });
  return usePoint(t("bot.check.clock"), query, (clock) => {
    const seconds = Math.abs(clock.offsetSeconds);
    return { isMet: seconds <= OFFSET_MAX_S, text: t("bot.check.offset", { time: time(clock.time), seconds }) };
  });
}

function usePaperRun(bot: Bot, hasNewParameters: boolean): Point {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const names = useAccountNames();
  const planned = { ...bot, params_hash: hasNewParameters ? null : bot.params_hash };
  return usePoint(t("bot.check.paper"), useBots(), (bots) => {
    const run = lastPaperRun(planned, bots, (id) => names(id).environment);
    const words = { bot: run?.bot.name ?? "", at: time(run?.until ?? null) };
    const text = run === null ? t("bot.check.noRun") : t(run.hasParameters ? "bot.check.run" : "bot.check.otherRun", words);
    return { isMet: run?.hasParameters === true, text };
  });
}

/** The point that a read decides; it is not met where the read failed. */
function usePoint<Data>(
  label: string,
  { data, error }: { data: Data | undefined; error: unknown },
  judge: (data: Data) => Omit<Point, "label">,
): Point {
  const { t } = useTranslation("research");
  const errorText = useErrorText();
  if (error !== null) return { label, isMet: false, text: errorText(error) };
  return data === undefined ? { label, isMet: null, text: t("bot.check.reading") } : { label, ...judge(data) };
}
