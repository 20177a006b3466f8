import { describe, expect, it } from "vitest";
import type { Environment } from "@/api/types";
import { lastPaperRun } from "@/features/bots/paperRun";
import type { Bot } from "@/features/bots/reads";

const ENVIRONMENTS: Record<number, Environment> = { 1: "live", 2: "paper", 3: "testnet" };
const environment = (id: number) => ENVIRONMENTS[id] ?? "live";

function bot(id: number, changes: Partial<Bot>): Bot {
  const base = { id, name: `bot ${id}`, strategy: "rsi", version: "1", params_hash: "a", account_id: 2, status: "stopped" };
  const times = { started_at: "2026-01-01T00:00:00Z", stopped_at: "2026-01-02T00:00:00Z", last_heartbeat_at: null };
  return { ...base, ...times, ...changes } as Bot;
}

const live = bot(1, { account_id: 1 });

describe("the last run on paper", () => {
  it("is none where the strategy has run only on live accounts, in another version or not at all", () => {
    const others = [live, bot(2, { account_id: 1 }), bot(3, { version: "2" }), bot(4, { started_at: null }), bot(5, { strategy: "hma" })];
    expect(lastPaperRun(live, others, environment)).toBeNull();
  });

  it("is one with the same parameters before a later one with others", () => {
    const same = bot(2, { account_id: 3 });
    const later = bot(3, { params_hash: "b", stopped_at: "2026-03-01T00:00:00Z" });
    expect(lastPaperRun(live, [same, later], environment)).toEqual({ bot: same, until: same.stopped_at, hasParameters: true });
    expect(lastPaperRun(live, [later], environment)?.hasParameters).toBe(false);
  });

  it("had other parameters than those that are changed", () => {
    const same = bot(2, {});
    expect(lastPaperRun({ ...live, params_hash: null }, [same], environment)).toMatchObject({ bot: same, hasParameters: false });
  });

  it("lasts until the last heartbeat of a bot that runs", () => {
    const running = bot(2, { status: "running", last_heartbeat_at: "2026-04-01T00:00:00Z" });
    expect(lastPaperRun(live, [bot(3, {}), running], environment)).toMatchObject({ bot: running, until: "2026-04-01T00:00:00Z" });
  });
});
