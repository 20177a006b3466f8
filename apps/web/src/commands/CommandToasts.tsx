import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { commands, type CommandState } from "@/commands/tracker";
import { useErrorText } from "@/kit/errorText";
import { toastDone, toastError } from "@/kit/toasts";
import { useStore } from "@/lib/store";

/** Says what became of each command; the list of activity keeps it. */
export function CommandToasts() {
  const { t } = useTranslation();
  const text = useErrorText();
  const list = useStore(commands);
  const seen = useRef(new Map<string, CommandState>());
  useEffect(() => {
    for (const { key, state, label, error, reported } of list) {
      if (seen.current.get(key) === state) continue;
      seen.current.set(key, state);
      if (state === "done") toastDone(t("command.doneTitle", { label }));
      if (state === "rejected" && !reported) {
        toastError(t("command.rejectedTitle", { label }), error === null ? undefined : text(error));
      }
      if (state === "unknown") toastError(t("command.unknownTitle", { label }), t("command.unknownText"));
    }
  }, [list, t, text]);
  return null;
}
