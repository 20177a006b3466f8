import { render, screen } from "@testing-library/react";
import { beforeAll, expect, it } from "vitest";
import { GroupBars, type Amount } from "@/features/dashboard/GroupBars";
import type { Group } from "@/features/dashboard/reads";
import { loadPageTexts, startTexts } from "@/locales";

beforeAll(async () => {
  await startTexts();
  await loadPageTexts();
});

const MIXED = { key: 1, closed_positions: 2, open_positions: 0, total_pnl: null, currency: null } as Group;

function show(group: Group, amounts: readonly Amount[]) {
  render(<GroupBars groups={[group]} name={() => "Carry"} note={() => ""} empty="" amounts={() => amounts} />);
}

it("shows what a group with several currencies earned in each, and that these are not added", () => {
  show(MIXED, [
    ["BTC", "0.5"],
    ["USDT", "-12.5"],
  ]);
  expect(screen.getByText("+0.50000000 BTC")).toBeTruthy();
  expect(screen.getByText("−12.50 USDT")).toBeTruthy();
  expect(screen.getByTitle("Results in different currencies are not added.")).toBeTruthy();
});

it("says why there is no amount while those of the currencies are not read", () => {
  show(MIXED, []);
  expect(screen.getByText("several currencies")).toBeTruthy();
});
