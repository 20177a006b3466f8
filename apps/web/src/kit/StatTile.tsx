import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export interface StatTileProps {
  label: ReactNode;
  value: ReactNode;
  unit?: ReactNode;
  /** A line below: a change, or the size of the sample. */
  note?: ReactNode;
  tone?: "up" | "down" | "warn" | undefined;
  /** The filtered list behind the figure. */
  to?: string;
  /** Filters of that list, beside those of this page. */
  filters?: Record<string, string>;
  children?: ReactNode;
}

const TONES = { up: "text-up", down: "text-down", warn: "text-warn" };

/** One figure with its unit; a link to what it counts. */
export function StatTile({ label, value, unit, note, tone, to, filters, children }: StatTileProps) {
  const content = (
    <>
      <span className="text-xs text-muted">{label}</span>
      <span className={cx("num truncate text-lg font-semibold", tone !== undefined && TONES[tone])}>
        {value}
        {unit !== undefined && <span className="ms-1 text-xs font-normal text-muted">{unit}</span>}
      </span>
      <span className="num min-h-4 truncate text-2xs text-muted">{note}</span>
      {children}
    </>
  );
  const box = "flex min-w-0 flex-col rounded border border-line bg-panel px-3 py-2";
  if (to === undefined) return <div className={box}>{content}</div>;
  return (
    <Link to={to} search={((before: object) => ({ ...before, ...filters })) as never} className={cx(box, "hover:bg-raise")}>
      {content}
    </Link>
  );
}
