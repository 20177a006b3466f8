import { describe, expect, it } from "vitest";
import type { Position } from "@/api/types";
import { profitPercent } from "@/features/positions/figures";

function position(values: Partial<Position>): Position {
  return values as Position;
}

describe("profitPercent", () => {
  it("has the sign of the profit, of short positions too", () => {
    expect(profitPercent(position({ unrealized_pnl: "-64.34", cost_basis: "-2934.27" }))).toBe("-2.19");
    expect(profitPercent(position({ unrealized_pnl: "96.52", cost_basis: "-2271.98" }))).toBe("4.24");
    expect(profitPercent(position({ unrealized_pnl: "80.47", cost_basis: "2095" }))).toBe("3.84");
  });

  it("is unknown without a price or a cost", () => {
    expect(profitPercent(position({ unrealized_pnl: null, cost_basis: "1" }))).toBeNull();
    expect(profitPercent(position({ unrealized_pnl: "1", cost_basis: "0" }))).toBeNull();
  });
});
