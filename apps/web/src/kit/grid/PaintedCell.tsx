import { useEffect, useEffectEvent, useRef } from "react";
import type { PaintedText } from "@/kit/grid/types";
import type { LiveRow, RowStore } from "@/live/rows";

const FLASH_MS = 400;
const FLASH_AT_MOST_EVERY_MS = 1000;

interface Props<Row extends LiveRow> {
  row: Row;
  store: RowStore<Row>;
  paint: (row: Row) => PaintedText;
}

function className(tone: PaintedText["tone"]): string {
  if (tone === "up") return "cell-up";
  if (tone === "down") return "cell-down";
  return tone === "muted" ? "text-muted" : "";
}

/** A cell whose text is written straight into the page when its row changes. */
export function PaintedCell<Row extends LiveRow>({ row, store, paint }: Props<Row>) {
  const span = useRef<HTMLSpanElement>(null);
  const current = useEffectEvent(paint);
  const first = paint(store.get(row.id) ?? row);

  useEffect(() => {
    const element = span.current;
    if (element === null) return undefined;
    let flashedAt = performance.now();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const write = () => {
      const live = store.get(row.id);
      if (live === undefined) return;
      const { text, tone, title } = current(live);
      const node = element.firstChild;
      if (node === null) return;
      // The tooltip may change without the text: the time of a price that stayed the same.
      if (element.title !== (title ?? "")) element.title = title ?? "";
      if (node.nodeValue === text) return;
      node.nodeValue = text;
      element.className = className(tone);
      const now = performance.now();
      if (now - flashedAt < FLASH_AT_MOST_EVERY_MS) return;
      flashedAt = now;
      element.classList.add("cell-flash");
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => element.classList.remove("cell-flash"), FLASH_MS);
    };
    const end = store.subscribeRow(row.id, write);
    return () => {
      end();
      if (timer !== null) clearTimeout(timer);
    };
  }, [store, row.id]);

  return (
    <span ref={span} className={className(first.tone)} title={first.title}>
      {first.text === "" ? "\u200b" : first.text}
    </span>
  );
}
