import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { useAccountNames } from "@/app/scope";
import { StatusDialog } from "@/app/StatusDialog";
import { NewSourceDialog } from "@/features/signals/NewSourceDialog";
import { setSourceStatus, SOURCES_QUERY, useSources, type SizingKind, type Source } from "@/features/signals/reads";
import { RotateDialog } from "@/features/signals/RotateDialog";
import { TrialDrawer } from "@/features/signals/TrialDrawer";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { useFormats } from "@/lib/format";

type Opened = { kind: "new" } | { kind: "rotate" | "status" | "trial"; source: Source } | null;

function useColumns(): readonly Column<Source>[] {
  const { t } = useTranslation("signals");
  const { time, number } = useFormats();
  const names = useAccountNames();
  return useMemo((): Column<Source>[] => {
    const scopeOf = ({ account_id: account, account_group_id: group }: Source) =>
      account === null ? t("source.group", { id: group }) : names(account).label;
    const sizingOf = ({ settings: { sizing } }: Source) => `${t(`sizing.${sizing.kind as SizingKind}`)} ${number(sizing.value)}`;
    const count = (id: "received" | "done" | "blocked" | "failed", priority: 1 | 3): Column<Source> => ({
      id,
      header: t(`count.${id}`),
      kind: "id",
      width: 76,
      priority,
      value: (row) => row.counts[id],
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "name", header: t("source.name"), kind: "text", width: 140, priority: 1, value: (row) => row.name },
      { id: "kind", header: t("column.kind"), kind: "text", width: 96, value: (row) => t(`kind.${row.kind}`) },
      {
        id: "status",
        header: t("column.status"),
        kind: "text",
        width: 96,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => <StatusPill tone={row.status === "active" ? "good" : "neutral"}>{t(`source.${row.status}`)}</StatusPill>,
      },
      { id: "account", header: t("column.account", { ns: "common" }), kind: "text", width: 120, value: scopeOf },
      { id: "sizing", header: t("source.sizing"), kind: "text", width: 150, priority: 3, value: sizingOf },
      count("received", 1),
      count("done", 3),
      count("blocked", 3),
      count("failed", 3),
      { id: "seen", header: t("source.seen"), kind: "time", width: 142, value: (row) => row.last_seen_at, cell: (row) => time(row.last_seen_at) },
      {
        id: "refusal",
        header: t("source.refusal"),
        kind: "text",
        width: 260,
        priority: 3,
        value: ({ last_refusal: refusal }) => (refusal === null ? null : `${time(refusal.refused_at)} · ${refusal.message}`),
      },
      { id: "rotates", header: t("source.rotates"), kind: "time", width: 142, priority: 4, value: (row) => row.rotate_until, cell: (row) => time(row.rotate_until) },
    ];
  }, [t, time, number, names]);
}

const textsOf = (source: Source) => [source.name];

/** Who may send signals, to which account, and of what size. */
export default function SourcesPage() {
  const { t } = useTranslation("signals");
  const client = useQueryClient();
  const sources = useSources();
  const columns = useColumns();
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const renew = () => void client.invalidateQueries({ queryKey: SOURCES_QUERY });
  return (
    <>
      <AdminList
        id="sources"
        label={t("source.label")}
        columns={columns}
        query={sources}
        rows={sources.data}
        textsOf={textsOf}
        filter="source"
        search={t("source.search")}
        create={t("create.title")}
        onCreate={() => setOpened({ kind: "new" })}
        empty={t("source.empty")}
        emptyHint={t("source.emptyHint")}
        sortBy="name"
        exportName="signal-sources"
        onOpen={(source) => setOpened({ kind: "trial", source })}
        actions={(source) => [
          { id: "trial", label: t("trial.action"), run: () => setOpened({ kind: "trial", source }) },
          { id: "rotate", label: t("rotate.action"), run: () => setOpened({ kind: "rotate", source }) },
          {
            id: "status",
            label: t(source.status === "active" ? "disable.action" : "enable.action"),
            danger: source.status === "active",
            run: () => setOpened({ kind: "status", source }),
          },
        ]}
        readOnlyOnPhones
      />
      {opened?.kind === "new" && <NewSourceDialog onClose={close} onCreated={renew} />}
      {opened?.kind === "rotate" && <RotateDialog source={opened.source} onClose={close} onRotated={renew} />}
      {opened?.kind === "status" && (
        <StatusDialog
          status={opened.source.status}
          tier={3}
          text={(change, part) => t(`${change}.${part}`, { name: opened.source.name })}
          onSet={(status, comment) => setSourceStatus(opened.source, status, comment)}
          onClose={close}
          onChanged={renew}
        />
      )}
      {opened?.kind === "trial" && <TrialDrawer source={opened.source} onClose={close} />}
    </>
  );
}
