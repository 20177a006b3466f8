import { describe, expect, it } from "vitest";
import { commentHeader } from "@/api/comment";

describe("the header of a comment", () => {
  it("carries accents, and a question mark for what HTTP does not allow", () => {
    expect(new Headers(commentHeader(" revisão – rotação ✓ ")).get("x-comment")).toBe("revisão ? rotação ?");
  });

  it("is absent without a comment, and never longer than 255 characters", () => {
    expect(commentHeader("  ")).toEqual({});
    expect(commentHeader("a".repeat(300))["X-Comment"]).toHaveLength(255);
  });
});
