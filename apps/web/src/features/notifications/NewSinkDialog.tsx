import { useState } from "react";
import { useTranslation } from "react-i18next";
import { createSink, type SinkKind } from "@/features/notifications/reads";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";

const KINDS: readonly SinkKind[] = ["webhook", "apprise"];
/** Least seconds between two messages. */
const INTERVALS = [0, 5, 60, 600] as const;

/** Create a sink: where messages go, of which events, and how often. */
export function NewSinkDialog({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const { t } = useTranslation("notifications");
  const [name, setName] = useState("");
  const [kind, setKind] = useState<SinkKind>("webhook");
  const [url, setUrl] = useState("");
  const [secret, setSecret] = useState("");
  const [events, setEvents] = useState("");
  const [interval, setInterval] = useState<number>(0);
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      disabled={name.trim() === "" || url.trim() === ""}
      title={t("create.title")}
      effect={t("create.effect")}
      action={t("create.action")}
      onConfirm={async () => {
        await createSink({
          name: name.trim(),
          kind,
          url: url.trim(),
          secret,
          events: events.split(/[\s,]+/).filter((one) => one !== ""),
          account_ids: [],
          min_interval_seconds: interval,
        });
        toastDone(t("create.done", { name: name.trim() }));
        onCreated();
      }}
    >
      <TextField label={t("name")} value={name} onChange={setName} maxLength={64} autoComplete="off" />
      <Select label={t("kind")} value={kind} onChange={setKind} options={KINDS.map((value) => ({ value, label: t(`kinds.${value}`) }))} />
      <TextField
        label={t("url")}
        description={t(`urlHint.${kind}`)}
        value={url}
        onChange={setUrl}
        autoComplete="off"
        spellCheck={false}
      />
      {kind === "webhook" && (
        <TextField
          label={t("secret")}
          description={t("secretHint")}
          type="password"
          value={secret}
          onChange={setSecret}
          autoComplete="new-password"
        />
      )}
      <TextField label={t("events")} description={t("eventsHint")} value={events} onChange={setEvents} autoComplete="off" spellCheck={false} />
      <Select
        label={t("interval")}
        value={interval}
        onChange={setInterval}
        options={INTERVALS.map((value) => ({ value, label: value === 0 ? t("atOnce") : t("seconds", { count: value }) }))}
      />
    </Confirm>
  );
}
