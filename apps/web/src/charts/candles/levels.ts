/** Lines at prices that something waits at; those that move are dragged with the pointer. */
import { LineStyle, type IChartApi, type IPriceLine, type ISeriesApi } from "lightweight-charts";
import { colourOf } from "@/charts/candles/options";
import type { ChartLevel } from "@/charts/candles/scene";
import type { Decimal } from "@/lib/decimal";

/** How near the pointer must be to a line, in pixels. */
const REACH = 6;

interface Drawn {
  level: ChartLevel;
  line: IPriceLine;
}

/** The price that is nearest to `price` and a multiple of the tick, in plain notation. */
export function onTick(price: number, tick: Decimal): Decimal {
  const places = tick.split(".")[1]?.length ?? 0;
  const step = Number(tick);
  const count = Math.round(price / step);
  return (count * step).toFixed(places);
}

function isDrawn(level: ChartLevel, drawn: Drawn | undefined): boolean {
  const other = drawn?.level;
  return other?.id === level.id && other.price === level.price && other.label === level.label && other.moves === level.moves;
}

export class LevelLines {
  private drawn: Drawn[] = [];
  private held: { drawn: Drawn; price: Decimal } | null = null;
  private waiting: readonly ChartLevel[] | null = null;
  private tick: Decimal = "0.01";

  private readonly chart: IChartApi;
  private readonly series: ISeriesApi<"Candlestick">;
  private readonly box: HTMLElement;
  private readonly onMoved: (level: ChartLevel, price: Decimal) => void;

  constructor(
    chart: IChartApi,
    series: ISeriesApi<"Candlestick">,
    box: HTMLElement,
    onMoved: (level: ChartLevel, price: Decimal) => void,
  ) {
    this.chart = chart;
    this.series = series;
    this.box = box;
    this.onMoved = onMoved;
    box.addEventListener("pointerdown", this.take, { capture: true });
    box.addEventListener("pointermove", this.move, { capture: true });
    box.addEventListener("pointerup", this.drop, { capture: true });
    box.addEventListener("pointercancel", this.giveUp, { capture: true });
  }

  /** Draw these levels. While a line is held, others wait until it is dropped. */
  set(levels: readonly ChartLevel[], tick: Decimal): void {
    this.tick = tick;
    if (this.held !== null) {
      this.waiting = levels;
      return;
    }
    const isSame = levels.length === this.drawn.length && levels.every((level, index) => isDrawn(level, this.drawn[index]));
    if (isSame) return;
    this.redraw(levels);
  }

  /** Draw the lines again, as in other colours. */
  redraw(levels: readonly ChartLevel[]): void {
    for (const { line } of this.drawn) this.series.removePriceLine(line);
    this.drawn = levels.map((level) => ({
      level,
      line: this.series.createPriceLine({
        price: Number(level.price),
        color: colourOf(level.colour),
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        axisLabelVisible: true,
        title: level.label,
      }),
    }));
  }

  /** Where the lines are, as `id=pixels from the top`. */
  places(): string[] {
    return this.drawn.map(({ level }) => `${level.id}=${this.series.priceToCoordinate(Number(level.price)) ?? ""}`);
  }

  remove(): void {
    this.box.removeEventListener("pointerdown", this.take, { capture: true });
    this.box.removeEventListener("pointermove", this.move, { capture: true });
    this.box.removeEventListener("pointerup", this.drop, { capture: true });
    this.box.removeEventListener("pointercancel", this.giveUp, { capture: true });
  }

  private yOf(event: PointerEvent): number {
    return event.clientY - this.box.getBoundingClientRect().top;
  }

  private near(event: PointerEvent): Drawn | undefined {
    const y = this.yOf(event);
    return this.drawn.find(({ level }) => {
      const at = level.moves ? this.series.priceToCoordinate(Number(level.price)) : null;
      return at !== null && Math.abs(at - y) <= REACH;
    });
  }

  private readonly take = (event: PointerEvent): void => {
    const found = this.near(event);
    if (found === undefined || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.box.setPointerCapture(event.pointerId);
    this.held = { drawn: found, price: found.level.price };
    this.chart.applyOptions({ handleScroll: false, handleScale: false });
  };

  private readonly move = (event: PointerEvent): void => {
    if (this.held === null) {
      this.box.classList.toggle("cursor-ns-resize", this.near(event) !== undefined);
      return;
    }
    event.stopPropagation();
    const price = this.series.coordinateToPrice(this.yOf(event));
    if (price === null || price <= 0) return;
    this.held.price = onTick(price, this.tick);
    this.held.drawn.line.applyOptions({ price: Number(this.held.price) });
  };

  private readonly drop = (event: PointerEvent): void => {
    if (this.held === null) return;
    event.stopPropagation();
    const { drawn, price } = this.held;
    this.giveUp();
    if (price !== drawn.level.price) this.onMoved(drawn.level, price);
  };

  /** Put the line back where its level is: it moves when the gateway says so. */
  private readonly giveUp = (): void => {
    if (this.held === null) return;
    const { line, level } = this.held.drawn;
    line.applyOptions({ price: Number(level.price) });
    this.held = null;
    this.chart.applyOptions({ handleScroll: true, handleScale: true });
    const { waiting } = this;
    this.waiting = null;
    if (waiting !== null) this.set(waiting, this.tick);
  };
}
