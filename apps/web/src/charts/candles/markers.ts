/** Markers of a scene as those of the chart, and where they are. */
import type { IChartApi, ISeriesApi, SeriesMarker, Time, UTCTimestamp } from "lightweight-charts";
import { colourOf } from "@/charts/candles/options";
import { candleOf, type Candle, type Scene } from "@/charts/candles/scene";

/** More markers than this are drawn without their words, which would cover one another. */
const TEXTS_MAX = 30;
const SELECTED_SIZE = 2;
const PLACES_MAX = 200;

function timeOf(candle: Candle): UTCTimestamp {
  return (Date.parse(candle.time) / 1000) as UTCTimestamp;
}

/** The markers whose candles are there. */
export function seriesMarkers(scene: Scene): SeriesMarker<Time>[] {
  const withText = scene.markers.length <= TEXTS_MAX;
  return scene.markers.flatMap((marker): SeriesMarker<Time>[] => {
    const candle = candleOf(scene, marker.at);
    if (candle === undefined) return [];
    const isSelected = marker.isSelected === true;
    return [
      {
        id: marker.id,
        time: timeOf(candle),
        position: marker.place === "above" ? "aboveBar" : "belowBar",
        shape: marker.shape,
        color: colourOf(isSelected ? "accent" : marker.colour),
        size: isSelected ? SELECTED_SIZE : 1,
        text: withText ? marker.text : "",
      },
    ];
  });
}

/** Where markers are, if they are few: `id=pixels from the left,pixels from the top` of the end of their candle. */
export function markerPlaces(scene: Scene, chart: IChartApi, series: ISeriesApi<"Candlestick">): string[] {
  if (scene.markers.length > PLACES_MAX) return [];
  return scene.markers.flatMap((marker) => {
    const candle = candleOf(scene, marker.at);
    if (candle === undefined) return [];
    const x = chart.timeScale().timeToCoordinate(timeOf(candle));
    const y = series.priceToCoordinate(Number(marker.place === "above" ? candle.high : candle.low));
    return x === null || y === null ? [] : [`${marker.id}=${x},${y}`];
  });
}
