import { useTranslation } from "react-i18next";
import type { Side } from "@/api/types";

/** Buy or sell, long or short: a word, an arrow and a colour. */
export function SideText({ side, position = false }: { side: Side; position?: boolean }) {
  const { t } = useTranslation();
  const buy = side === "buy";
  const word = position ? t(buy ? "side.long" : "side.short") : t(buy ? "side.buy" : "side.sell");
  return (
    <span className={buy ? "text-up" : "text-down"}>
      <span aria-hidden className="me-1 text-2xs">
        {buy ? "▲" : "▼"}
      </span>
      {word}
    </span>
  );
}
