import { useState } from "react";
import { useTranslation } from "react-i18next";
import { changeSink, createSink, type Sink, type SinkKind } from "@/features/notifications/reads";
import { CheckList } from "@/kit/CheckList";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";
import { useMe } from "@/lib/permissions";

const KINDS: readonly SinkKind[] = ["webhook", "apprise"];
/** Least seconds between two messages. */
const INTERVALS: readonly number[] = [0, 5, 60, 600];

interface Props {
  /** Absent: a new one. */
  sink?: Sink;
  onClose: () => void;
  onChanged: () => void;
}

function draftOf(sink: Sink | undefined) {
  return {
    name: sink?.name ?? "",
    kind: sink?.kind ?? ("webhook" as SinkKind),
    // Address and secret are stored sealed: empty fields leave them as they are.
    url: "",
    secret: "",
    events: sink?.events.join(", ") ?? "",
    accounts: sink?.account_ids ?? [],
    interval: sink?.min_interval_seconds ?? 0,
  };
}

/** Where messages go, of which events and accounts, and how often. */
export function SinkDialog({ sink, onClose, onChanged }: Props) {
  const { t } = useTranslation("notifications");
  const me = useMe();
  const [draft, setDraft] = useState(() => draftOf(sink));
  const set = (change: Partial<typeof draft>) => setDraft((before) => ({ ...before, ...change }));
  const kind = sink === undefined ? "create" : "change";
  const name = draft.name.trim();
  const url = draft.url.trim();
  const intervals = [...new Set([...INTERVALS, draft.interval])].toSorted((a, b) => a - b);
  const save = async () => {
    const fields = {
      name,
      events: draft.events.split(/[\s,]+/).filter((one) => one !== ""),
      account_ids: draft.accounts,
      min_interval_seconds: draft.interval,
      ...(draft.secret === "" ? {} : { secret: draft.secret }),
    };
    if (sink === undefined) await createSink({ ...fields, url, kind: draft.kind });
    else await changeSink(sink, url === "" ? fields : { ...fields, url });
    toastDone(t(`${kind}.done`, { name }));
    onChanged();
  };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      disabled={name === "" || (sink === undefined && url === "")}
      title={t(`${kind}.title`, { name: sink?.name ?? "" })}
      effect={t(`${kind}.effect`)}
      action={t(`${kind}.action`)}
      onConfirm={save}
    >
      <TextField label={t("name")} value={draft.name} onChange={(text) => set({ name: text })} maxLength={64} autoComplete="off" />
      {sink === undefined && (
        <Select label={t("kind")} value={draft.kind} onChange={(next) => set({ kind: next })} options={KINDS.map((value) => ({ value, label: t(`kinds.${value}`) }))} />
      )}
      <TextField
        label={t("url")}
        description={sink === undefined ? t(`urlHint.${draft.kind}`) : t("keepsUrl")}
        value={draft.url}
        onChange={(text) => set({ url: text })}
        autoComplete="off"
        spellCheck={false}
      />
      {draft.kind === "webhook" && (
        <TextField
          label={t("secret")}
          description={t(sink === undefined ? "secretHint" : "keepsSecret")}
          type="password"
          value={draft.secret}
          onChange={(text) => set({ secret: text })}
          autoComplete="new-password"
        />
      )}
      <TextField label={t("events")} description={t("eventsHint")} value={draft.events} onChange={(text) => set({ events: text })} autoComplete="off" spellCheck={false} />
      <CheckList
        label={t("accounts")}
        description={t("accountsHint")}
        options={me.accounts.map((one) => ({ value: one.account_id, label: one.label }))}
        chosen={draft.accounts}
        onChange={(accounts) => set({ accounts })}
      />
      <Select
        label={t("interval")}
        value={draft.interval}
        onChange={(interval) => set({ interval })}
        options={intervals.map((value) => ({ value, label: value === 0 ? t("atOnce") : t("seconds", { count: value }) }))}
      />
    </Confirm>
  );
}
