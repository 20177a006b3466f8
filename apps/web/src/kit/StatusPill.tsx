import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export type PillTone = "neutral" | "good" | "bad" | "warn" | "active";

const STYLES: Record<PillTone, string> = {
  neutral: "text-muted before:bg-muted",
  good: "text-up before:bg-up",
  bad: "text-down before:bg-down",
  warn: "text-warn before:bg-warn",
  active: "text-accent before:bg-accent",
};

/** A state: a dot and a word, never the colour alone. */
export function StatusPill({ tone, children }: { tone: PillTone; children: ReactNode }) {
  return (
    <span
      className={cx(
        "inline-flex items-center gap-1.5 text-xs before:size-1.5 before:shrink-0 before:rounded-full before:content-['']",
        STYLES[tone],
      )}
    >
      {children}
    </span>
  );
}
