/** Positions as lines from entry to exit, drawn over the candles. */
import type {
  IChartApi,
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesApi,
  ISeriesPrimitive,
  SeriesAttachedParameter,
  Time,
  UTCTimestamp,
} from "lightweight-charts";

/** A segment whose ends are places on the time axis (epoch seconds). */
export interface PlacedSegment {
  from: { time: number; price: number };
  to: { time: number; price: number };
  colour: string;
  isOpen: boolean;
}

type Canvas = Parameters<IPrimitivePaneRenderer["draw"]>[0];

export class SegmentLayer implements ISeriesPrimitive<Time> {
  private segments: readonly PlacedSegment[] = [];
  private chart: IChartApi | null = null;
  private series: ISeriesApi<"Candlestick"> | null = null;
  private requestUpdate: (() => void) | null = null;
  private readonly view: IPrimitivePaneView = { renderer: () => ({ draw: (target: Canvas) => this.draw(target) }) };

  attached({ chart, series, requestUpdate }: SeriesAttachedParameter<Time>): void {
    this.chart = chart as IChartApi;
    this.series = series as ISeriesApi<"Candlestick">;
    this.requestUpdate = requestUpdate;
  }

  detached(): void {
    this.chart = this.series = this.requestUpdate = null;
  }

  set(segments: readonly PlacedSegment[]): void {
    this.segments = segments;
    this.requestUpdate?.();
  }

  get count(): number {
    return this.segments.length;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [this.view];
  }

  private place(end: { time: number; price: number }): [number, number] | null {
    const x = this.chart?.timeScale().timeToCoordinate(end.time as UTCTimestamp) ?? null;
    const y = this.series?.priceToCoordinate(end.price) ?? null;
    return x === null || y === null ? null : [x, y];
  }

  private draw(target: Canvas): void {
    target.useMediaCoordinateSpace(({ context }) => {
      for (const segment of this.segments) {
        const from = this.place(segment.from);
        const to = this.place(segment.to);
        if (from === null || to === null) continue;
        context.beginPath();
        context.setLineDash(segment.isOpen ? [2, 3] : [5, 3]);
        context.lineWidth = 1.5;
        context.strokeStyle = segment.colour;
        context.moveTo(...from);
        context.lineTo(...to);
        context.stroke();
      }
    });
  }
}
