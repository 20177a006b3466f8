import type { Restrictions } from "@/features/keys/reads";

export const TERMS = ["never", "30", "90", "365"] as const;
export type Term = (typeof TERMS)[number];

const DAY_MS = 86_400_000;

/** The restrictions of a new key: until when, and from which addresses; null for none. */
export function restrictionsOf(term: Term, addresses: string, now: number): Restrictions | null {
  const allowed = addresses.split(/[\s,;]+/).filter((address) => address !== "");
  if (term === "never" && allowed.length === 0) return null;
  return {
    ...(term === "never" ? {} : { expires_at: new Date(now + Number.parseInt(term, 10) * DAY_MS).toISOString() }),
    ...(allowed.length === 0 ? {} : { ip_allowlist: allowed }),
  };
}
