import { ToggleGroup } from "@base-ui/react/toggle-group";
import { Toggle } from "@base-ui/react/toggle";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export interface Segment<Value extends string> {
  value: Value;
  label: ReactNode;
  tone?: "up" | "down" | undefined;
}

const PRESSED = {
  plain: "data-[pressed]:bg-thumb data-[pressed]:text-fg",
  up: "data-[pressed]:bg-up data-[pressed]:text-bg",
  down: "data-[pressed]:bg-down data-[pressed]:text-bg",
};

export interface SegmentedProps<Value extends string> {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  segments: readonly Segment<Value>[];
  className?: string;
}

/** One of two to six choices, all visible. */
export function Segmented<Value extends string>({ label, value, onChange, segments, className }: SegmentedProps<Value>) {
  return (
    <ToggleGroup
      aria-label={label}
      value={[value]}
      onValueChange={(next) => {
        const chosen = next.find((item) => item !== value) as Value | undefined;
        if (chosen !== undefined) onChange(chosen);
      }}
      className={cx("flex h-(--control) rounded border border-line bg-track p-0.5", className)}
    >
      {segments.map((segment) => (
        <Toggle
          key={segment.value}
          value={segment.value}
          className={cx(
            "flex-1 rounded-sm px-2.5 text-sm whitespace-nowrap text-muted hover:text-fg",
            PRESSED[segment.tone ?? "plain"],
          )}
        >
          {segment.label}
        </Toggle>
      ))}
    </ToggleGroup>
  );
}
