import { useTranslation } from "react-i18next";
import type { Candle } from "@/charts/candles/scene";
import { SPEEDS, type Speed } from "@/features/chart/replay";
import type { Replay } from "@/features/chart/useReplay";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Select } from "@/kit/Select";
import { useFormats } from "@/lib/format";
import { usePreference } from "@/lib/preferences";
import { zoneLabel } from "@/lib/time";

interface Props {
  replay: Replay;
  candles: readonly Candle[];
  /** The candles where something was traded, by index, as far as they are known at the cursor. */
  marked: readonly number[];
}

/** More ticks than this would cover the track. */
const TICKS_MAX = 300;

/** Marks on the track of the slider at the candles where something was traded. Both ends are inset by half of the width of the thumb, as its centre is. */
function Ticks({ marked, last }: { marked: readonly number[]; last: number }) {
  if (last < 1 || marked.length > TICKS_MAX) return null;
  return (
    <span aria-hidden="true" data-ticks={marked.length} className="pointer-events-none absolute inset-x-2 bottom-0 h-1">
      {marked.map((index) => (
        <span key={index} className="absolute h-full w-px bg-accent" style={{ insetInlineStart: `${(index / last) * 100}%` }} />
      ))}
    </span>
  );
}

/** First, back, play, forward, last; speed, slider and place of the playback. */
export function PlaybackBar({ replay, candles, marked }: Props) {
  const { t } = useTranslation("chart");
  const { time } = useFormats();
  const zone = usePreference("zone");
  const last = candles.length - 1;
  const { index, isPlaying, isReplay } = replay;
  const none = candles.length === 0;
  const at = candles[index]?.time ?? null;
  const place = t("replay.place", { index: none ? 0 : index + 1, count: candles.length });
  return (
    <div role="group" aria-label={t("replay.label")} className="flex flex-wrap items-center gap-1.5 border-t border-line bg-panel px-2 py-1.5">
      <Button tone="quiet" icon={<Icon name="first" />} aria-label={t("replay.first")} disabled={none} onClick={() => replay.seek(0)} />
      <Button tone="quiet" icon={<Icon name="left" />} aria-label={t("replay.back")} disabled={none} onClick={() => replay.seek(index - 1)} />
      <Button
        icon={<Icon name={isPlaying ? "pause" : "play"} />}
        aria-label={t(isPlaying ? "replay.pause" : "replay.play")}
        disabled={none}
        onClick={replay.toggle}
      />
      <Button tone="quiet" icon={<Icon name="right" />} aria-label={t("replay.forward")} disabled={none} onClick={() => replay.seek(index + 1)} />
      <Button tone="quiet" icon={<Icon name="last" />} aria-label={t("replay.last")} disabled={none} onClick={() => replay.seek(last)} />
      <Select
        label={t("replay.speed")}
        hiddenLabel
        value={replay.speed}
        onChange={(speed: Speed) => replay.setSpeed(speed)}
        options={SPEEDS.map((value) => ({ value, label: t("replay.perSecond", { count: value }) }))}
        className="w-28"
      />
      <span className="relative flex min-w-32 flex-1">
        <Ticks marked={marked} last={last} />
        <input
          type="range"
          min={0}
          max={Math.max(last, 0)}
          value={Math.max(index, 0)}
          disabled={none}
          aria-label={t("replay.slider")}
          aria-valuetext={at === null ? place : `${time(at)}, ${place}`}
          onChange={(event) => replay.seek(Number(event.target.value))}
          className="h-6 w-full accent-(--accent)"
        />
      </span>
      <span className="num text-xs text-muted">
        {time(at)} {zoneLabel(zone)}
      </span>
      <span className="num min-w-20 text-end text-xs" data-place>
        {place}
      </span>
      <Button disabled={!isReplay} onClick={replay.exit}>
        {t("replay.exit")}
      </Button>
    </div>
  );
}
