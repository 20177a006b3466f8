import { useState } from "react";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { partnersOf, sizeOf } from "@/features/positions/figures";
import { PartnerDialog } from "@/features/positions/PartnerDialog";
import { add } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

/** Move a position into another of the same side, symbol and account: no order is sent. */
export function MergeDialog({ position, onClose }: PositionDialogProps) {
  const { number } = useFormats();
  const alike = partnersOf(position, useLiveRows(openPositions), false);
  const [chosen, setChosen] = useState<number | null>(alike[0]?.id ?? null);
  const target = alike.find((row) => row.id === chosen);
  return (
    <PartnerDialog
      position={position}
      onClose={onClose}
      command="merge_positions"
      texts="merge"
      danger={false}
      partners={alike}
      chosen={chosen}
      onChoose={setChosen}
      effect={{ total: target === undefined ? "?" : number(add(sizeOf(position), sizeOf(target))) }}
      payload={{ source_position_id: position.id, target_position_id: chosen }}
    />
  );
}
