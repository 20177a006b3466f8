import { useState } from "react";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { partnersOf, sizeOf } from "@/features/positions/figures";
import { PartnerDialog } from "@/features/positions/PartnerDialog";
import { abs, cmp, sub } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

/** Close a position by an opposite one of the same symbol and account: no order is sent. */
export function CloseByDialog({ position, onClose }: PositionDialogProps) {
  const { number } = useFormats();
  const opposite = partnersOf(position, useLiveRows(openPositions), true);
  const [chosen, setChosen] = useState<number | null>(opposite[0]?.id ?? null);
  const other = opposite.find((row) => row.id === chosen);
  const size = sizeOf(position);
  const opposed = other === undefined ? size : sizeOf(other);
  return (
    <PartnerDialog
      position={position}
      onClose={onClose}
      command="close_by"
      texts="closeBy"
      partners={opposite}
      chosen={chosen}
      onChoose={setChosen}
      effect={{ qty: number(cmp(size, opposed) < 0 ? size : opposed), rest: number(abs(sub(size, opposed))) }}
      payload={{ position_id_a: position.id, position_id_b: chosen }}
    />
  );
}
