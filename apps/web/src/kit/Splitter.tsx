import { useRef } from "react";

const KEY_STEP = 24;

interface Props {
  label: string;
  /** Pixels of what is below the splitter. */
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
}

/** A bar between two parts, one above the other: dragged with the pointer, or moved by the arrow keys. */
export function Splitter({ label, value, min, max, onChange }: Props) {
  const held = useRef<{ y: number; value: number } | null>(null);
  const set = (next: number) => onChange(Math.round(Math.min(Math.max(next, min), max)));
  return (
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      className="-my-2 h-2 shrink-0 cursor-ns-resize touch-none rounded hover:bg-raise"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = { y: event.clientY, value };
      }}
      onPointerMove={(event) => {
        if (held.current !== null) set(held.current.value + held.current.y - event.clientY);
      }}
      onPointerUp={() => (held.current = null)}
      onPointerCancel={() => (held.current = null)}
      onKeyDown={(event) => {
        const by = { ArrowUp: KEY_STEP, ArrowDown: -KEY_STEP }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        set(value + by);
      }}
    />
  );
}
