import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import type { BotAction } from "@/features/bots/BotDialogs";
import { BotDrawer } from "@/features/bots/BotDrawer";
import { useBotColumns } from "@/features/bots/columns";
import { BOTS_QUERY, isStopped, useBots, type Bot } from "@/features/bots/reads";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Icon } from "@/kit/Icon";
import { useCan } from "@/lib/permissions";
import { useLiveEvents } from "@/live/hooks";

// Apart from the page, so that its list is shown before the forms are read.
const NewBotDialog = lazy(async () => ({ default: (await import("@/features/bots/BotDialogs")).NewBotDialog }));
const EditBotDialog = lazy(async () => ({ default: (await import("@/features/bots/EditBotDialog")).EditBotDialog }));
const BotActionDialog = lazy(async () => ({ default: (await import("@/features/bots/BotDialogs")).BotActionDialog }));

/** Bots: what they are, whether they run, what they decided; start, stop, create. */
export default function BotsPage() {
  const { t } = useTranslation("research");
  const client = useQueryClient();
  const can = useCan();
  const scope = useScope();
  const bots = useBots();
  const stateOf = useReadState();
  const columns = useBotColumns();
  const [filters, setFilters] = useFilters("new");
  const [isNew, setNew] = useState(filters.new !== undefined);
  const [asked, setAsked] = useState<{ bot: Bot; action: BotAction } | null>(null);
  const [edited, setEdited] = useState<{ bot: Bot; restarts: boolean } | null>(null);
  const [shownId, setShownId] = useState<number | null>(null);
  const renew = () => void client.invalidateQueries({ queryKey: BOTS_QUERY });
  useLiveEvents(["bot_status", "bot_decision"], renew);
  const ids = new Set(scope.ids);
  const rows = (bots.data ?? []).filter((bot) => ids.has(bot.account_id));
  const shown = rows.find((bot) => bot.id === shownId);
  const item = (bot: Bot, action: BotAction, danger: boolean) => ({
    id: action,
    label: t(`bot.${action}.action`),
    danger,
    run: () => setAsked({ bot, action }),
  });
  return (
    <>
      <DataGrid
        id="bots"
        label={t("bots")}
        columns={columns}
        rows={rows}
        state={stateOf(bots)}
        empty={<EmptyState title={t("bot.none")}>{t("bot.noneHint")}</EmptyState>}
        defaultSort={{ id: "name", desc: false }}
        exportName="bots"
        onOpen={(bot) => setShownId(bot.id)}
        readOnlyOnPhones
        actions={(bot) => {
          const details = { id: "details", label: t("bot.details"), run: () => setShownId(bot.id) };
          if (!can("automate", bot.account_id)) return [details];
          if (isStopped(bot) && bot.desired === "stopped") {
            const edit = { id: "edit", label: t("bot.edit.menu"), run: () => setEdited({ bot, restarts: false }) };
            return [details, item(bot, "start", false), edit, item(bot, "remove", true)];
          }
          const restart = { id: "restart", label: t("bot.restart.menu"), run: () => setEdited({ bot, restarts: true }) };
          return [details, restart, item(bot, "stop", true), item(bot, "flatten", true)];
        }}
        toolbar={
          can("automate") && (
            <Button tone="primary" icon={<Icon name="plus" />} onClick={() => setNew(true)}>
              {t("bot.create.title")}
            </Button>
          )
        }
      />
      {shown !== undefined && <BotDrawer bot={shown} onClose={() => setShownId(null)} />}
      <Suspense fallback={null}>
        {isNew && (
          <NewBotDialog
            strategy={filters.new ?? null}
            onClose={() => {
              setNew(false);
              setFilters({ new: undefined });
            }}
            onDone={renew}
          />
        )}
        {edited !== null && <EditBotDialog {...edited} onClose={() => setEdited(null)} onDone={renew} />}
        {asked !== null && <BotActionDialog {...asked} onClose={() => setAsked(null)} onDone={renew} />}
      </Suspense>
    </>
  );
}
