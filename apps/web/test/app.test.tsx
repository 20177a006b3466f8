import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { App } from "@/app/App";

it("names the product", () => {
  render(<App />);
  expect(screen.getByRole("main").textContent).toBe("oms-gateway");
});
