import { useTranslation } from "react-i18next";
import { commands, resend, type CommandState, type TrackedCommand } from "@/commands/tracker";
import { Button } from "@/kit/Button";
import { EmptyState } from "@/kit/EmptyState";
import { useErrorText } from "@/kit/errorText";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { usePreference } from "@/lib/preferences";
import { useStore } from "@/lib/store";
import { fmtClock } from "@/lib/time";

const TONES: Record<CommandState, PillTone> = {
  sending: "active",
  queued: "active",
  sent: "active",
  done: "good",
  rejected: "bad",
  unknown: "warn",
};

/** The commands that this page sent, the newest first, each with its state and time. */
export function ActivityList() {
  const { t } = useTranslation();
  const list = useStore(commands);
  if (list.length === 0) return <EmptyState title={t("command.none")} />;
  return (
    <ol className="flex flex-col">
      {list.map((command) => (
        <CommandEntry key={command.key} command={command} />
      ))}
    </ol>
  );
}

/** One command: what it does, its state, its error. */
export function CommandEntry({ command }: { command: TrackedCommand }) {
  const { t } = useTranslation();
  const text = useErrorText();
  const zone = usePreference("zone");
  const { state, error, label, startedAt, endedAt, commandId } = command;
  return (
    <li className="flex flex-col gap-1 border-b border-line py-2 text-sm">
      <span className="num flex justify-between gap-2">
        <StatusPill tone={TONES[state]}>{t(`command.${state}`)}</StatusPill>
        <span className="text-xs text-muted">
          {fmtClock(new Date(startedAt).toISOString(), zone)}
          {endedAt !== null && ` · ${t("command.took", { ms: endedAt - startedAt })}`}
          {commandId !== null && ` · ${commandId}`}
        </span>
      </span>
      <span>{label}</span>
      {error !== null && state !== "done" && <span className="text-xs text-down">{text(error)}</span>}
      {state === "unknown" && (
        <span className="flex flex-col gap-1 text-xs text-muted">
          {t("command.unknownText")}
          {commandId === null && (
            <span className="flex items-center gap-2">
              <Button onClick={() => void resend(command.key)}>{t("command.resend")}</Button>
              {t("command.resendHint")}
            </span>
          )}
        </span>
      )}
    </li>
  );
}
