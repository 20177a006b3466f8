import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { sendCommands } from "@/commands/tracker";
import { useState } from "react";
import { CommandResults } from "@/commands/CommandResults";
import { sizeOf } from "@/features/positions/figures";
import { Confirm } from "@/kit/Confirm";
import { Dialog } from "@/kit/Dialog";
import { SideText } from "@/kit/SideText";
import { useFormats } from "@/lib/format";

/** Close several positions: lists each before, and what became of each afterwards. */
export function CloseManyDialog({ positions, onClose }: { positions: readonly Position[]; onClose: () => void }) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames();
  const [sent, setSent] = useState<string[] | null>(null);
  const [rows] = useState(positions);
  const count = rows.length;
  if (sent !== null) {
    return (
      <Dialog open onClose={onClose} title={t("closeMany.results")}>
        <CommandResults keys={sent} />
      </Dialog>
    );
  }
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={4}
      title={t("closeMany.title", { count })}
      effect={t("closeMany.effect", { count })}
      action={t("closeMany.action", { count })}
      phrase={t("closeMany.phrase", { count })}
      environment={rows.some((row) => account(row.account_id).environment === "live") ? "live" : undefined}
      onConfirm={async (comment) => {
        const keys = await sendCommands(
          rows.map((row) => ({
            account_id: row.account_id,
            command: "close_position" as const,
            label: t("close.label", { qty: number(sizeOf(row)), symbol: row.symbol, account: account(row.account_id).label }),
            payload: { position_id: row.id, order_type: "market", comment },
          })),
        );
        setSent(keys);
      }}
    >
      <ul className="num max-h-48 overflow-y-auto text-sm">
        {rows.map((row) => (
          <li key={row.id} className="flex justify-between gap-2 border-t border-line py-1">
            <span>
              <SideText side={row.side} position /> {row.symbol}
            </span>
            <span className="text-muted">
              {number(sizeOf(row))} · {account(row.account_id).label}
            </span>
          </li>
        ))}
      </ul>
    </Confirm>
  );
}
