import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Scene } from "@/charts/candles/scene";
import type { StrategyRun } from "@/features/chart/run";
import type { ChangeSettings, ChartSettings } from "@/features/chart/settings";
import { StatusPanel } from "@/features/chart/StatusPanel";
import type { LevelTarget, TargetLevel } from "@/features/chart/traded";
import type { Replay } from "@/features/chart/useReplay";
import { ChangeDialog } from "@/features/orders/ChangeDialog";
import { LevelsDialog } from "@/features/positions/LevelsDialog";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";

interface Props {
  settings: ChartSettings;
  change: ChangeSettings;
  replay: Replay;
  /** What is shown: cut at the cursor. */
  scene: Scene;
  levels: readonly TargetLevel[];
  run: StrategyRun | undefined;
}

/** Beside the chart: the candle of the cursor, and what waits at which price. */
export function SidePanel({ settings, replay, scene, levels, run }: Props) {
  const { t } = useTranslation("chart");
  const can = useCan();
  return (
    <aside aria-label={t("side")} className="flex w-72 shrink-0 flex-col gap-2 overflow-y-auto border-s border-line p-2 max-lg:w-full max-lg:border-s-0">
      <StatusPanel candle={scene.candles.at(-1)} timeframe={settings.timeframe} run={run} />
      {can("trade") && <TradeLink symbol={settings.symbol} isReplay={replay.isReplay} />}
      {!replay.isReplay && <LevelsPanel levels={levels} />}
    </aside>
  );
}

/** The way to the order ticket; in the past nothing is traded. */
function TradeLink({ symbol, isReplay }: { symbol: string | null; isReplay: boolean }) {
  const { t } = useTranslation("chart");
  if (isReplay || symbol === null) {
    return (
      <Button disabled icon={<Icon name="trade" />} title={t("tradeOff")}>
        {t("trade")}
      </Button>
    );
  }
  return (
    <Link
      to="/trade"
      search={((before: Record<string, string>) => ({ acc: before["acc"], trade: symbol })) as never}
      className="inline-flex h-(--control) items-center justify-center gap-1.5 rounded border border-line bg-panel text-sm font-medium hover:bg-raise"
    >
      <Icon name="trade" />
      {t("trade")}
    </Link>
  );
}

/** Levels as a list: what is dragged on the chart is changed here by the keyboard. */
function LevelsPanel({ levels }: { levels: readonly TargetLevel[] }) {
  const { t } = useTranslation("chart");
  const { number } = useFormats();
  const [edited, setEdited] = useState<LevelTarget | null>(null);
  const close = () => setEdited(null);
  return (
    <Panel title={t("level.title")}>
      {levels.length === 0 && <p className="p-3 text-sm text-muted">{t("level.none")}</p>}
      <ul className="num flex flex-col text-sm">
        {levels.map((level) => (
          <li key={level.id} className="flex items-center justify-between gap-2 border-b border-line/50 px-3 py-1">
            <span style={{ color: `var(--${level.colour})` }}>{level.label}</span>
            <span className="flex items-center gap-1">
              {number(level.price)}
              {level.moves && (
                <Button tone="quiet" icon={<Icon name="more" />} aria-label={t("level.edit", { level: level.label })} onClick={() => setEdited(level.target)} />
              )}
            </span>
          </li>
        ))}
      </ul>
      {levels.some((level) => level.moves) && <p className="px-3 py-2 text-2xs text-muted">{t("level.hint")}</p>}
      {edited !== null && edited.kind === "order" && <ChangeDialog order={edited.order} onClose={close} />}
      {edited !== null && edited.kind !== "order" && <LevelsDialog position={edited.position} onClose={close} />}
    </Panel>
  );
}
