import { useEffect, useEffectEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { forgetColours } from "@/charts/candles/options";
import { CandlePlot, type PlotEvents } from "@/charts/candles/plot";
import type { Scene } from "@/charts/candles/scene";
import { usePreference } from "@/lib/preferences";

interface Props extends PlotEvents {
  /** Says what the chart shows, for those who do not see it. */
  label: string;
  scene: Scene;
  /** Names the data: with another name the newest candles are shown. */
  subject: string;
  /** A moment that is brought into sight, in epoch milliseconds. */
  revealed: number | null;
}

/** Candles with lines, markers and levels; redrawn when theme, zone or language change. */
export function CandleChart({ label, scene, subject, revealed, onOlder, onLevelMoved, onHover, onMarker }: Props) {
  const { i18n } = useTranslation();
  const zone = usePreference("zone");
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<CandlePlot | null>(null);
  const shown = useRef<string | null>(null);
  const older = useEffectEvent(onOlder);
  const moved = useEffectEvent(onLevelMoved);
  const hover = useEffectEvent(onHover);
  const clicked = useEffectEvent(onMarker);
  const settings = useEffectEvent(() => [zone, i18n.language] as const);
  const repaint = useEffectEvent(() => {
    forgetColours();
    plot.current?.repaint(zone, i18n.language);
  });

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    forgetColours();
    const created = new CandlePlot(element, ...settings(), {
      onOlder: () => older(),
      onLevelMoved: (level, price) => moved(level, price),
      onHover: (index) => hover(index),
      onMarker: (id) => clicked(id),
    });
    plot.current = created;
    shown.current = null;
    const theme = new MutationObserver(() => repaint());
    theme.observe(document.documentElement, { attributeFilter: ["data-theme", "data-palette"] });
    return () => {
      theme.disconnect();
      plot.current = null;
      created.remove();
    };
  }, []);

  const { language } = i18n;
  useEffect(() => {
    forgetColours();
    plot.current?.repaint(zone, language);
  }, [zone, language]);

  useEffect(() => {
    if (plot.current === null) return;
    plot.current.draw(scene, shown.current !== subject && scene.candles.length > 0);
    if (scene.candles.length > 0) shown.current = subject;
  }, [scene, subject]);

  useEffect(() => {
    if (revealed !== null) plot.current?.reveal(revealed);
  }, [revealed]);

  return <div ref={box} role="img" aria-label={label} data-chart="candles" className="min-h-0 min-w-0 flex-1 overflow-hidden" />;
}
