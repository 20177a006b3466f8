import { cx } from "@/lib/cx";
import { cmp, type Decimal } from "@/lib/decimal";

const WIDTH = 64;
const HEIGHT = 16;
/** Room for the width of the line. */
const EDGE = 1;

interface Props {
  /** At least two values, the oldest first. */
  values: readonly Decimal[];
}

/** The points of a line through the values, which begin at 0 and fill the area. */
export function sparkPoints(values: readonly Decimal[]): { line: string; zero: number } {
  const numbers = [0, ...values.map(Number)];
  const low = Math.min(...numbers);
  const range = Math.max(...numbers) - low || 1;
  const heightOf = (value: number) => HEIGHT - EDGE - ((value - low) / range) * (HEIGHT - 2 * EDGE);
  const step = WIDTH / (numbers.length - 1);
  const line = numbers.map((value, index) => `${(index * step).toFixed(1)},${heightOf(value).toFixed(1)}`).join(" ");
  return { line, zero: heightOf(0) };
}

/** A small line beside a figure that it has the same end as; numbers become floating point here alone. */
export function Sparkline({ values }: Props) {
  const { line, zero } = sparkPoints(values);
  return (
    <svg aria-hidden width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className={cx("shrink-0", cmp(values.at(-1) ?? "0", "0") < 0 ? "text-down" : "text-up")}>
      <line x1={0} x2={WIDTH} y1={zero} y2={zero} className="stroke-line" />
      <polyline points={line} fill="none" stroke="currentColor" strokeWidth={1.25} strokeLinejoin="round" />
    </svg>
  );
}
