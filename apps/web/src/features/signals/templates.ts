/** What a sender has to be given: the address of its source, and a message to fill in. */
import type { Kind } from "@/features/signals/reads";

const PATHS: Record<Kind, string> = {
  bounce: "/in/TOKEN/signals/bounce",
  trade: "/in/TOKEN/signals/trade",
  tradingview: "/signals/tradingview/TOKEN",
};

/** The address that a sender posts to. */
export function addressOf(kind: Kind, token: string, origin = globalThis.location.origin): string {
  return origin + PATHS[kind].replace("TOKEN", token);
}

const TEMPLATES: Record<Kind, Record<string, unknown>> = {
  tradingview: {
    ticker: "{{ticker}}",
    action: "{{strategy.order.action}}",
    quantity: "{{strategy.order.contracts}}",
    alert_id: "{{strategy.order.id}}-{{timenow}}",
    timenow: "{{timenow}}",
  },
  trade: { symbol: "BTCUSDT", side: "buy", qty: "0.01", alert_id: "1" },
  bounce: { symbol: "BTCUSDT", side: "buy", price: 100, timestamp: "2025-01-01T00:00:00Z" },
};

/** A message of this kind; with a secret the sender puts its own in. */
export function templateOf(kind: Kind, secret: string | null = null): string {
  const fields = kind === "tradingview" && secret !== null ? { ...TEMPLATES[kind], secret } : TEMPLATES[kind];
  return JSON.stringify(fields, null, 1);
}

/** A message to try a source with: the template with values in place of what the sender fills in. */
export function exampleOf(kind: Kind): string {
  if (kind !== "tradingview") return templateOf(kind);
  return JSON.stringify({ ticker: "BTCUSDT.P", action: "buy", quantity: "0.01" }, null, 1);
}
