import { useRouterState } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { pages } from "@/app/pages";
import { ActivityButton } from "@/app/shell/ActivityButton";
import { ConnectionDot } from "@/app/shell/ConnectionDot";
import { DayResult } from "@/app/shell/DayResult";
import { KillButton } from "@/app/shell/KillButton";
import { ScopePicker } from "@/app/shell/ScopePicker";
import { UserMenu } from "@/app/shell/UserMenu";
import { ViewMenu } from "@/app/shell/ViewMenu";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";

function useTitle(): string {
  const { t } = useTranslation("shell");
  const path = useRouterState({ select: (state) => state.location.pathname });
  const page = pages.find((entry) => entry.path === path);
  return page === undefined ? "" : t(`page.${page.name}`);
}

/** Title, accounts in view, connection, kill switch, search, view and user. */
export function TopBar({ onSearch }: { onSearch: () => void }) {
  const { t } = useTranslation("shell");
  const title = useTitle();
  return (
    <header className="flex h-10 shrink-0 items-center gap-2 border-b border-line bg-panel px-3 max-sm:h-12 max-sm:gap-1 max-sm:px-2">
      <h1 className="truncate text-base font-semibold max-sm:hidden">{title}</h1>
      <ScopePicker />
      <span className="ms-auto" />
      <DayResult />
      <ActivityButton />
      <ConnectionDot />
      <KillButton />
      <Button tone="quiet" icon={<Icon name="search" />} aria-label={t("palette.title")} onClick={onSearch} />
      <ViewMenu />
      <UserMenu />
    </header>
  );
}
