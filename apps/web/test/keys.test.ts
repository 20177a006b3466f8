import { describe, expect, it } from "vitest";
import { restrictionsOf } from "@/features/keys/draft";

const NOW = Date.UTC(2026, 0, 1);

describe("the restrictions of a new key", () => {
  it("are none unless one is chosen", () => {
    expect(restrictionsOf("never", " , ", NOW)).toBeNull();
  });

  it("are an end and the addresses, separated by anything", () => {
    expect(restrictionsOf("30", "10.0.0.1, 10.1.0.0/16;\n::1", NOW)).toEqual({
      expires_at: "2026-01-31T00:00:00.000Z",
      ip_allowlist: ["10.0.0.1", "10.1.0.0/16", "::1"],
    });
    expect(restrictionsOf("never", "::1", NOW)).toEqual({ ip_allowlist: ["::1"] });
  });
});
