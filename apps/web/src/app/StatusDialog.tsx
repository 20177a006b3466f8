import type { ReactNode } from "react";
import { Confirm, type ConfirmProps } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

export type Status = "active" | "disabled";
export type StatusChange = "disable" | "enable";

interface Props extends Pick<ConfirmProps, "comment" | "onClose"> {
  /** The status now; the dialog changes it to the other one. */
  status: string;
  /** 3: with a comment of its own accord. */
  tier: 2 | 3;
  /** The texts of the change. */
  text: (change: StatusChange, part: "title" | "effect" | "action" | "done") => string;
  /** Said beside a disabling, such as that it ends the user's own session. */
  warning?: ReactNode;
  onSet: (status: Status, comment: string) => Promise<void>;
  onChanged: () => void;
}

/** Disable a user, a key, a strategy, a source or a sink, or enable it again. */
export function StatusDialog({ status, text, warning, onSet, onChanged, ...rest }: Props) {
  const change = status === "active" ? "disable" : "enable";
  return (
    <Confirm
      {...rest}
      open
      danger={change === "disable"}
      title={text(change, "title")}
      effect={text(change, "effect")}
      action={text(change, "action")}
      onConfirm={async (comment) => {
        await onSet(change === "disable" ? "disabled" : "active", comment);
        toastDone(text(change, "done"));
        onChanged();
      }}
    >
      {change === "disable" && warning !== undefined && <p className="text-sm text-warn">{warning}</p>}
    </Confirm>
  );
}
