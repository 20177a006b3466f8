import { Outlet } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmation } from "@/api/session";
import { useScope } from "@/app/scope";
import { BottomBar } from "@/app/shell/BottomBar";
import { KillRibbon } from "@/app/shell/KillRibbon";
import { LiveRibbon } from "@/app/shell/LiveRibbon";
import { Rail } from "@/app/shell/Rail";
import { SessionGuard } from "@/app/shell/SessionGuard";
import { StepUpDialog } from "@/app/shell/StepUpDialog";
import { TopBar } from "@/app/shell/TopBar";
import { useGoTo } from "@/app/shell/useGoTo";
import { useIdleLoading } from "@/app/shell/useIdleLoading";
import { PanelBoundary } from "@/kit/Panel";
import { useShortcut } from "@/lib/shortcuts";
import { useStore } from "@/lib/store";
import { follow } from "@/live/live";

const HelpDialog = lazy(async () => ({ default: (await import("@/app/shell/HelpDialog")).HelpDialog }));
const Palette = lazy(async () => ({ default: (await import("@/app/shell/Palette")).Palette }));

/** The frame of every page: navigation, top bar, content; and the live connection of the scope. */
export function Shell() {
  const { t } = useTranslation("shell");
  const scope = useScope();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const asked = useStore(confirmation);
  useShortcut("mod+k", () => setPalette(true));
  useShortcut("?", () => setHelp(true));
  useGoTo();
  useIdleLoading();
  const { parameter } = scope;
  useEffect(() => follow(new Set(parameter.split(",").filter(Boolean).map(Number))), [parameter]);

  return (
    <div className="flex h-full min-h-0">
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">
        {t("skip")}
      </a>
      <Rail />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar onSearch={() => setPalette(true)} />
        <KillRibbon />
        <LiveRibbon />
        <main id="content" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col overflow-auto outline-none">
          <PanelBoundary>
            <Outlet />
          </PanelBoundary>
        </main>
        <BottomBar />
      </div>
      <Suspense fallback={null}>
        {palette && <Palette onClose={() => setPalette(false)} />}
        {help && <HelpDialog onClose={() => setHelp(false)} />}
      </Suspense>
      <SessionGuard />
      {asked !== null && <StepUpDialog answer={asked.answer} />}
    </div>
  );
}
