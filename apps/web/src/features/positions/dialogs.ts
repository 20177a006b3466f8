import type { Position } from "@/api/types";

/** What a dialog of the positions page needs. */
export interface PositionDialogProps {
  position: Position;
  onClose: () => void;
}

export type PositionDialogName = "close" | "partial" | "reverse" | "closeBy" | "merge" | "levels" | "breakEven" | "reassign";
