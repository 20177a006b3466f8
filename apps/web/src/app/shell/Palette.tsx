import { Autocomplete } from "@base-ui/react/autocomplete";
import { Dialog } from "@base-ui/react/dialog";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { offeredPages } from "@/app/pages";
import { useScope } from "@/app/scope";
import { KillDialog } from "@/app/shell/KillDialog";
import { Icon, type IconName } from "@/kit/Icon";
import { ITEM } from "@/kit/popup";
import { useCan, useMe } from "@/lib/permissions";
import { usePreference } from "@/lib/preferences";
import { openPositions } from "@/live/live";

interface Entry {
  value: string;
  label: string;
  icon: IconName;
  run: () => void;
}

interface Group {
  value: string;
  items: Entry[];
}

/** What was chosen last, the newest first; shown above all. */
let recent: readonly string[] = [];
const RECENT_MAX = 5;

function remember(value: string): void {
  const name = value.replace(/^recent-/, "");
  recent = [name, ...recent.filter((one) => one !== name)].slice(0, RECENT_MAX);
}

function useGroups(onKill: () => void): Group[] {
  const { t } = useTranslation("shell");
  const me = useMe();
  const can = useCan();
  const scope = useScope();
  const navigate = useNavigate();
  const starred = usePreference("favourites");
  const [positions] = useState(openPositions.rows);
  return useMemo(() => {
    const pages = offeredPages(me.actions).map((page) => ({
      value: page.path,
      label: t(`page.${page.name}`),
      icon: page.icon,
      run: () => void navigate({ to: page.path }),
    }));
    const accounts = me.accounts.map((account) => ({
      value: `account-${account.account_id}`,
      label: t("palette.onlyAccount", { account: account.label }),
      icon: "accounts" as const,
      run: () => scope.choose([account.account_id]),
    }));
    const actions: Entry[] = can("kill_on")
      ? [{ value: "kill", label: t("kill.engage"), icon: "stop", run: onKill }]
      : [];
    const held = positions.map((row) => ({
      value: `position-${row.id}`,
      label: t("palette.position", { id: row.id, symbol: row.symbol }),
      icon: "positions" as const,
      run: () => void navigate({ to: "/positions", search: { position: String(row.id) } as never }),
    }));
    const symbols = [...new Set([...starred, ...positions.map((row) => row.symbol)])].map((symbol) => ({
      value: `symbol-${symbol}`,
      label: can("trade") ? t("palette.trade", { symbol }) : symbol,
      icon: "symbols" as const,
      run: () => void navigate(can("trade") ? { to: "/trade", search: { trade: symbol } as never } : { to: "/positions", search: { symbol } as never }),
    }));
    const all = [...pages, ...actions, ...accounts, ...symbols, ...held];
    const last = recent.flatMap((value) => all.filter((entry) => entry.value === value));
    return [
      { value: t("palette.recent"), items: last.map((entry) => ({ ...entry, value: `recent-${entry.value}` })) },
      { value: t("palette.pages"), items: pages },
      { value: t("palette.actions"), items: actions },
      { value: t("palette.accounts"), items: accounts },
      { value: t("palette.symbols"), items: symbols },
      { value: t("palette.positions"), items: held },
    ].filter((group) => group.items.length > 0);
  }, [me, can, scope, navigate, t, onKill, positions, starred]);
}

/** Ctrl+K: pages, accounts, symbols, positions and commands, found by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("shell");
  const [killing, setKilling] = useState(false);
  const groups = useGroups(() => setKilling(true));
  if (killing) return <KillDialog onClose={onClose} />;
  const choose = (entry: Entry) => {
    remember(entry.value);
    entry.run();
    if (!entry.value.endsWith("kill")) onClose();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <Dialog.Popup
          aria-label={t("palette.title")}
          className="fixed inset-x-3 top-[12vh] z-40 mx-auto flex max-h-[70vh] max-w-lg flex-col overflow-hidden rounded border border-line bg-panel shadow-(--shadow)"
        >
          <Autocomplete.Root
            inline
            open
            items={groups}
            autoHighlight="always"
            itemToStringValue={(entry: Entry) => entry.label}
          >
            <Autocomplete.Input
              aria-label={t("palette.title")}
              placeholder={t("palette.placeholder")}
              className="h-11 shrink-0 border-b border-line bg-transparent px-4 text-base outline-none"
            />
            <Autocomplete.Empty className="px-4 py-3 text-muted empty:hidden">
              {t("combobox.none", { ns: "common" })}
            </Autocomplete.Empty>
            <Autocomplete.List className="overflow-y-auto p-1 empty:hidden">
              {(group: Group) => (
                <Autocomplete.Group key={group.value} items={group.items}>
                  <Autocomplete.GroupLabel className="px-2 pt-2 pb-1 text-2xs text-muted uppercase">
                    {group.value}
                  </Autocomplete.GroupLabel>
                  <Autocomplete.Collection>
                    {(entry: Entry) => (
                      <Autocomplete.Item key={entry.value} value={entry} onClick={() => choose(entry)} className={ITEM}>
                        <Icon name={entry.icon} />
                        {entry.label}
                      </Autocomplete.Item>
                    )}
                  </Autocomplete.Collection>
                </Autocomplete.Group>
              )}
            </Autocomplete.List>
          </Autocomplete.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
