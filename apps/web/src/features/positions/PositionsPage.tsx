import { OpenPositions } from "@/features/positions/OpenPositions";

export default function PositionsPage() {
  return <OpenPositions />;
}
