import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { EditDialog, type EditField } from "@/kit/EditDialog";
import { toasts } from "@/kit/toasts";
import { loadPageTexts, startTexts } from "@/locales";

const onSend = vi.fn(() => Promise.resolve());
const onClose = vi.fn();

function field(key: string, label: string, known: string | null): EditField {
  return { key, label, known, unit: "USDT", clears: true };
}

function levels(stop: string | null, target: string | null = null) {
  return (
    <EditDialog
      title="Levels"
      effect="Changes."
      action="Change"
      environment="paper"
      onClose={onClose}
      fields={[field("stop", "Stop loss", stop), field("target", "Take profit", target)]}
      onSend={onSend}
    />
  );
}

const stopField = () => screen.getByLabelText(/Stop loss/);
const button = (name: string) => screen.getByRole<HTMLButtonElement>("button", { name });
const type = (element: HTMLElement, value: string) => fireEvent.change(element, { target: { value } });

beforeAll(async () => {
  await startTexts();
  await loadPageTexts();
});

beforeEach(() => {
  onSend.mockReset().mockResolvedValue(undefined);
  onClose.mockReset();
});

it("sends nothing while a level cannot be read, in place of removing it", async () => {
  render(levels("59000"));
  type(stopField(), "60,000");
  expect(button("Change").disabled).toBe(true);
  type(screen.getByLabelText(/Take profit/), "70000");
  expect(button("Change").disabled).toBe(true);
  type(stopField(), "60000");
  fireEvent.click(button("Change"));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(onSend).toHaveBeenCalledWith({ stop: "60000", target: "70000" });
});

it("removes a level whose field was emptied", () => {
  render(levels("59000"));
  type(stopField(), "");
  fireEvent.click(button("Change"));
  expect(onSend).toHaveBeenCalledWith({ stop: null });
});

it("leaves a level alone that another one moved while the dialog was open", () => {
  const { rerender } = render(levels("59000", "70000"));
  type(screen.getByLabelText(/Take profit/), "71000");
  rerender(levels("59500", "70000"));
  fireEvent.click(button("Change"));
  expect(onSend).toHaveBeenCalledWith({ target: "71000" });
});

it("keeps the dialog with the error, and shows one in a toast after it was closed", async () => {
  let fail: ((error: Error) => void) | undefined;
  onSend.mockImplementation(() => new Promise((_done, reject) => (fail = reject)));
  const { unmount } = render(levels("59000"));
  type(stopField(), "58000");
  fireEvent.click(button("Change"));
  fail?.(new Error("refused"));
  expect((await screen.findByRole("alert")).textContent).toContain("refused");
  expect(onClose).not.toHaveBeenCalled();

  const added = vi.spyOn(toasts, "add");
  fireEvent.click(button("Change"));
  unmount();
  fail?.(new Error("refused later"));
  await waitFor(() => expect(added).toHaveBeenCalledWith(expect.objectContaining({ title: "Levels", description: "refused later" })));
});

function Amount() {
  const [value, setValue] = useState<string>("");
  return <DecimalField label="Amount" value={value} onChange={setValue} />;
}

function dialog(shown: boolean) {
  return (
    <Confirm open onClose={onClose} tier={2} title="Ask" effect="Does it." action="Do" onConfirm={onSend}>
      {shown && <Amount />}
    </Confirm>
  );
}

it("unlocks a dialog when the unreadable field is gone", () => {
  const { rerender } = render(dialog(true));
  type(screen.getByLabelText("Amount"), "much");
  expect(button("Do").disabled).toBe(true);
  rerender(dialog(false));
  expect(button("Do").disabled).toBe(false);
});
