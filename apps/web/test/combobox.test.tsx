import { fireEvent, render, screen } from "@testing-library/react";
import { beforeAll, expect, test } from "vitest";
import { Combobox } from "@/kit/Combobox";
import { startTexts } from "@/locales";

beforeAll(() => startTexts());

/** Its options are other objects each time, as pages make them from rows. */
function field() {
  const options = ["BTC/USDT", "ETH/USDT"].map((value) => ({ value, label: value }));
  return <Combobox label="Symbol" value="BTC/USDT" onChange={() => undefined} options={options} />;
}

test("what is being typed stays when the page renders again", () => {
  const { rerender } = render(field());
  const input = screen.getByRole("combobox", { name: "Symbol" });
  fireEvent.focus(input);
  fireEvent.change(input, { target: { value: "ETH" } });
  rerender(field());
  expect((input as HTMLInputElement).value).toBe("ETH");
});
