/**
 * A candle chart on its element: draws a scene, and renews only what differs from the one before.
 *
 * A candle that comes after the others, or the last one changed, is an update of each series;
 * everything else replaces their data. What is drawn is shown by data attributes of the element, as
 * the chart itself counts it.
 */
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineSeries,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type Time,
} from "lightweight-charts";
import { LevelLines } from "@/charts/candles/levels";
import { markerPlaces, seriesMarkers } from "@/charts/candles/markers";
import { chartOptions, colourOf, priceFormat } from "@/charts/candles/options";
import { addedAtEnd, candleAt, keyOf, valueAt, volumeAt } from "@/charts/candles/points";
import { indexAt, slotsOf, type ChartLevel, type ChartLine, type Scene, type Slot } from "@/charts/candles/scene";
import { SegmentLayer } from "@/charts/candles/segments";
import type { Decimal } from "@/lib/decimal";
import type { Zone } from "@/lib/time";

export interface PlotEvents {
  /** The first candles are in sight: older ones are wanted. */
  onOlder: () => void;
  onLevelMoved: (level: ChartLevel, price: Decimal) => void;
  /** The candle under the pointer; null: none. */
  onHover: (index: number | null) => void;
  /** A marker was clicked. */
  onMarker: (id: string) => void;
}

type LineSeriesApi = ISeriesApi<"Line"> | ISeriesApi<"Histogram">;

/** So many candles before the first one in sight older ones are asked for. */
const OLDER_BEFORE = 20;
const SHOWN_AT_FIRST = 200;

export class CandlePlot {
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<"Candlestick">;
  private readonly markers: ISeriesMarkersPluginApi<Time>;
  private readonly segments = new SegmentLayer();
  private readonly levels: LevelLines;
  private lines = new Map<string, LineSeriesApi>();
  private volume: ISeriesApi<"Histogram"> | null = null;
  private scene: Scene | null = null;
  private slots: Slot[] = [];
  private markersShown: Scene["markers"] = [];
  /** How often markers were handed to the chart. */
  private markersSet = 0;

  private readonly box: HTMLElement;
  /** The user moved the chart since these candles were first shown. */
  private isMoved = false;
  private readonly noteMove = () => {
    this.isMoved = true;
  };

  constructor(box: HTMLElement, zone: Zone, locale: string, events: PlotEvents) {
    this.box = box;
    this.chart = createChart(box, chartOptions(zone, locale));
    this.candles = this.chart.addSeries(CandlestickSeries);
    this.markers = createSeriesMarkers(this.candles, []);
    this.candles.attachPrimitive(this.segments);
    this.levels = new LevelLines(this.chart, this.candles, box, events.onLevelMoved);
    this.paint();
    this.chart.subscribeCrosshairMove(({ time }) => {
      const at = typeof time === "number" ? this.slots.findLast((slot) => slot.time === time) : undefined;
      events.onHover(at?.index ?? null);
    });
    this.chart.subscribeClick(({ hoveredObjectId }) => {
      if (typeof hoveredObjectId === "string") events.onMarker(hoveredObjectId);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && this.isMoved && range.from < OLDER_BEFORE) events.onOlder();
    });
    for (const input of ["pointerdown", "wheel"]) box.addEventListener(input, this.noteMove, { passive: true });
  }

  remove(): void {
    for (const input of ["pointerdown", "wheel"]) this.box.removeEventListener(input, this.noteMove);
    this.levels.remove();
    this.chart.remove();
  }

  /** Take over the colours of the page. */
  paint(): void {
    const [up, down] = [colourOf("candle-up"), colourOf("candle-down")];
    this.candles.applyOptions({
      upColor: up,
      downColor: down,
      borderVisible: false,
      wickUpColor: up,
      wickDownColor: down,
    });
  }

  repaint(zone: Zone, locale: string): void {
    this.chart.applyOptions(chartOptions(zone, locale));
    this.paint();
    const { scene } = this;
    if (scene === null) return;
    for (const line of scene.lines) this.lines.get(keyOf(line))?.applyOptions({ color: colourOf(line.colour) });
    this.scene = null;
    this.markersShown = [];
    this.levels.redraw(scene.levels);
    this.draw(scene);
  }

  /** Draw a scene. `fits`: show the newest candles, as for other data than before. */
  draw(scene: Scene, fits = false): void {
    const before = this.scene;
    this.scene = scene;
    if (before?.tick !== scene.tick) this.candles.applyOptions({ priceFormat: priceFormat(scene.tick) });
    this.arrangeSeries(scene);
    const added = before === null || fits ? null : addedAtEnd(before, scene);
    if (added === null) this.setAll(scene);
    else this.append(scene, added);
    if (before?.markers !== scene.markers || added !== 0) this.drawMarkers(scene);
    if (before?.segments !== scene.segments || added !== 0) this.drawSegments(scene);
    if (before?.levels !== scene.levels || before.tick !== scene.tick) this.levels.set(scene.levels, scene.tick);
    if (fits) this.showNewest();
    else if (added !== null && added > 0) this.keepNewestInSight();
    this.describe(scene);
  }

  showNewest(): void {
    this.isMoved = false;
    const last = this.slots.length - 1;
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, last - SHOWN_AT_FIRST), to: last + 5 });
  }

  /** Bring the candle of this moment, in epoch milliseconds, into sight. */
  reveal(at: number): void {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const index = this.slots.findLastIndex((slot) => slot.time * 1000 <= at);
    if (range === null || index < 0 || (index >= range.from && index <= range.to)) return;
    const half = (range.to - range.from) / 2;
    scale.setVisibleLogicalRange({ from: index - half, to: index + half });
  }

  private keepNewestInSight(): void {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const last = this.slots.length - 1;
    if (range === null || (last >= range.from && last <= range.to - 1)) return;
    const width = range.to - range.from;
    scale.setVisibleLogicalRange({ from: last + 3 - width, to: last + 3 });
  }

  private arrangeSeries(scene: Scene): void {
    const wanted = new Set(scene.lines.map(keyOf));
    for (const [key, series] of this.lines) {
      if (wanted.has(key)) continue;
      this.chart.removeSeries(series);
      this.lines.delete(key);
    }
    if (scene.showsVolume !== (this.volume !== null)) this.switchVolume(scene.showsVolume);
    const panes = [...new Set(scene.lines.flatMap((line) => (line.pane === null ? [] : [line.pane])))];
    for (const line of scene.lines) {
      if (this.lines.has(keyOf(line))) continue;
      const first = this.volume === null ? 1 : 2;
      const pane = line.pane === null ? 0 : first + panes.indexOf(line.pane);
      this.lines.set(keyOf(line), this.addLine(line, pane));
    }
    for (const [index, pane] of this.chart.panes().entries()) pane.setStretchFactor(index === 0 ? 4 : 1);
  }

  private addLine(line: ChartLine, pane: number): LineSeriesApi {
    const quiet = { priceLineVisible: false, lastValueVisible: false, color: colourOf(line.colour) };
    if (line.kind === "bars") return this.chart.addSeries(HistogramSeries, quiet, pane);
    return this.chart.addSeries(LineSeries, { ...quiet, lineWidth: line.width, crosshairMarkerVisible: false }, pane);
  }

  private switchVolume(on: boolean): void {
    // The pane of the volume is the second one: lines of panes below are added again after it.
    for (const [key, series] of this.lines) {
      if (series.getPane().paneIndex() === 0) continue;
      this.chart.removeSeries(series);
      this.lines.delete(key);
    }
    if (this.volume !== null) this.chart.removeSeries(this.volume);
    this.volume = on
      ? this.chart.addSeries(
          HistogramSeries,
          { priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false },
          1,
        )
      : null;
  }

  private setAll(scene: Scene): void {
    this.slots = slotsOf(scene.candles, scene.step);
    this.candles.setData(this.slots.map((slot) => candleAt(slot, scene)));
    this.volume?.setData(this.slots.map((slot) => volumeAt(slot, scene)));
    for (const line of scene.lines) this.lines.get(keyOf(line))?.setData(this.slots.map((slot) => valueAt(slot, line)));
  }

  /** Update the last `added` + 1 candles. */
  private append(scene: Scene, added: number): void {
    const start = scene.candles.length - 1 - added;
    const before = this.slots.findLastIndex((slot) => slot.index === start);
    const later = slotsOf(scene.candles.slice(start), scene.step);
    const renewed = later.map(({ time, index }) => ({ time, index: index === null ? null : index + start }));
    this.slots = [...this.slots.slice(0, before), ...renewed];
    for (const slot of this.slots.slice(before)) {
      this.candles.update(candleAt(slot, scene));
      this.volume?.update(volumeAt(slot, scene));
      for (const line of scene.lines) this.lines.get(keyOf(line))?.update(valueAt(slot, line));
    }
  }

  private drawMarkers(scene: Scene): void {
    if (this.markersShown === scene.markers) return;
    const isSame =
      this.markersShown.length === scene.markers.length &&
      this.markersShown.every((marker, index) => marker === scene.markers[index]);
    this.markersShown = scene.markers;
    if (isSame) return;
    this.markersSet += 1;
    this.markers.setMarkers(seriesMarkers(scene));
  }

  private drawSegments(scene: Scene): void {
    const end = scene.candles.at(-1);
    this.segments.set(
      scene.segments.flatMap(({ from, to, colour }) => {
        const first = scene.candles[indexAt(scene.candles, from.at)];
        const last = to === null ? end : scene.candles[indexAt(scene.candles, to.at)];
        if (first === undefined || last === undefined || end === undefined) return [];
        return [
          {
            from: { time: Date.parse(first.time) / 1000, price: from.price },
            to: { time: Date.parse(last.time) / 1000, price: to?.price ?? from.price },
            colour: colourOf(colour),
            isOpen: to === null,
          },
        ];
      }),
    );
  }

  private describe(scene: Scene): void {
    const { candles, markers } = scene;
    const data = this.candles.data();
    const drawn = data.filter((one) => "close" in one);
    Object.assign(this.box.dataset, {
      candles: String(drawn.length),
      blanks: String(this.slots.filter((slot) => slot.index === null).length),
      last: candles.at(-1)?.time ?? "",
      forming: String(candles.at(-1)?.is_closed === false),
      selected: markers.flatMap((marker) => (marker.isSelected === true ? [marker.id] : [])).join(";"),
      markers: String(this.markers.markers().length),
      markersSet: String(this.markersSet),
      segments: String(this.segments.count),
      lines: [...this.lines].map(([key, series]) => `${key.split(" ")[0]}=${pointsOf(series)}`).join(" "),
    });
    // Places follow from the next layout of the chart.
    requestAnimationFrame(() => {
      this.box.dataset["levels"] = this.levels.places().join(";");
      this.box.dataset["places"] = markerPlaces(scene, this.chart, this.candles).join(";");
    });
  }
}

/** How many points of a line have a value. */
function pointsOf(series: LineSeriesApi): number {
  return series.data().filter((one) => "value" in one).length;
}
