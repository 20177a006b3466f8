import { useTranslation } from "react-i18next";
import { Amounts } from "@/app/Amounts";
import { useAccountNames } from "@/app/scope";
import { paramsText } from "@/features/backtests/columns";
import { uptimeOf, useBalanceText, useDecisionText } from "@/features/bots/columns";
import { useBotEvents, useBotFigures, type Bot, type BotEvent, type BotFigures } from "@/features/bots/reads";
import { Read } from "@/features/dashboard/Read";
import { Failure } from "@/features/research/Failure";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { NOTHING, useFormats } from "@/lib/format";

/** A bot with its terms and the newest of its history. */
export function BotDrawer({ bot, onClose }: { bot: Bot; onClose: () => void }) {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const account = useAccountNames()(bot.account_id);
  const events = useBotEvents(bot.id);
  const figures = useBotFigures();
  return (
    <DetailDrawer open onClose={onClose} title={bot.name}>
      {bot.status === "error" && <Failure text={bot.reason ?? t("botStatus.error")} />}
      <Facts
        facts={[
          [t("strategy"), `${bot.strategy} ${bot.version}`],
          [t("params"), paramsText(bot.params) || NOTHING],
          [t("column.account", { ns: "common" }), account.label],
          [t("instrument"), `${bot.symbols.join(", ")} · ${bot.exchange} · ${bot.timeframe}`],
          [t("bot.sizing"), `${t(`sizing.${bot.sizing.kind as "qty"}`)} ${bot.sizing.value}`],
          [t("bot.mode"), t(`modes.${bot.mode}`)],
          [t("settings.allow_short"), t(bot.allow_short ? "yes" : "no")],
          [t("bot.started"), time(bot.started_at)],
          [t("bot.uptime"), uptimeOf(bot)],
          [t("bot.stopped"), time(bot.stopped_at)],
          [t("bot.failures"), String(bot.failures)],
          [t("bot.reason"), bot.status === "error" ? t("botStatus.error") : (bot.reason ?? NOTHING)],
        ]}
      />
      <section aria-label={t("bot.figures")}>
        <h3 className="pb-1 text-sm font-semibold">{t("bot.figures")}</h3>
        <Read query={figures}>{(rows) => <Figures figures={rows.get(bot.id)} />}</Read>
      </section>
      <section aria-label={t("bot.events")}>
        <h3 className="pb-1 text-sm font-semibold">{t("bot.events")}</h3>
        <Read query={events}>
          {(rows) =>
            rows.length === 0 ? (
              <p className="text-sm text-muted">{t("bot.noEvents")}</p>
            ) : (
              <ul className="num flex flex-col text-xs">
                {rows.map((event) => (
                  <Event key={event.id} event={event} />
                ))}
              </ul>
            )
          }
        </Read>
      </section>
    </DetailDrawer>
  );
}

/** What it has earned, what went wrong, and what it has to trade with. */
function Figures({ figures }: { figures: BotFigures | undefined }) {
  const { t } = useTranslation("research");
  const balance = useBalanceText();
  const decision = useDecisionText();
  return (
    <Facts
      facts={[
        [t("bot.day"), <Amounts key="day" amounts={figures?.day_results ?? {}} />],
        [t("bot.dayTrades"), String(figures?.day_trades ?? NOTHING)],
        [t("bot.open"), <Amounts key="open" amounts={figures?.open_profit ?? {}} />],
        [t("bot.positions"), String(figures?.open_positions ?? NOTHING)],
        [t("bot.errors"), String(figures?.errors_24h ?? NOTHING)],
        [t("bot.balance"), balance(figures)],
        [t("bot.signal"), decision(figures?.last_signal)],
      ]}
    />
  );
}

function Event({ event }: { event: BotEvent }) {
  const { t } = useTranslation("research");
  const { time, number } = useFormats();
  const what = [
    t(`eventKind.${event.kind}`),
    event.symbol,
    event.action === null ? null : t(`direction.${event.action}`, { ns: "chart" }),
    event.price === null ? null : number(event.price),
    event.result === null ? null : t(`result.${event.result}`),
    event.code,
  ].filter((text) => text !== null);
  return (
    <li className="border-t border-line py-1">
      <span className="text-muted">{time(event.at)}</span> {what.join(" · ")}
      {event.message !== null && <span className="block break-words whitespace-pre-wrap text-muted">{event.message}</span>}
    </li>
  );
}
