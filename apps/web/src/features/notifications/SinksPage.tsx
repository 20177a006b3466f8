import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { useAccountNames } from "@/app/scope";
import { StatusDialog } from "@/app/StatusDialog";
import { DeliveriesDrawer } from "@/features/notifications/DeliveriesDrawer";
import { changeSink, SINKS_QUERY, testSink, useSinks, type Sink } from "@/features/notifications/reads";
import { SinkDialog } from "@/features/notifications/SinkDialog";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone, toastError } from "@/kit/toasts";
import { useFormats } from "@/lib/format";

type Opened = { kind: "new" } | { kind: "change" | "status" | "deliveries"; sink: Sink } | null;

function useColumns(): readonly Column<Sink>[] {
  const { t } = useTranslation("notifications");
  const { time } = useFormats();
  const names = useAccountNames();
  return useMemo((): Column<Sink>[] => {
    const count = (id: "delivered" | "waiting" | "failed" | "dead", priority: 1 | 3): Column<Sink> => ({
      id,
      header: t(`count.${id}`),
      kind: "id",
      width: 84,
      priority,
      value: (row) => row[id],
    });
    const moment = (id: "last_delivered_at" | "waiting_since", header: string): Column<Sink> => ({
      id,
      header,
      kind: "time",
      width: 142,
      priority: 3,
      value: (row) => row[id],
      cell: (row) => time(row[id]),
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 4, value: (row) => row.id },
      { id: "name", header: t("name"), kind: "text", width: 130, priority: 1, value: (row) => row.name },
      { id: "kind", header: t("kind"), kind: "text", width: 90, value: (row) => t(`kinds.${row.kind}`) },
      {
        id: "status",
        header: t("status"),
        kind: "text",
        width: 96,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => <StatusPill tone={row.status === "active" ? "good" : "neutral"}>{t(`state.${row.status}`)}</StatusPill>,
      },
      { id: "events", header: t("events"), kind: "text", width: 200, priority: 3, value: (row) => row.events.join(", ") || t("defaults") },
      {
        id: "accounts",
        header: t("accounts"),
        kind: "text",
        width: 130,
        priority: 4,
        value: (row) => row.account_ids.map((id) => names(id).label).join(", ") || t("all"),
      },
      count("delivered", 1),
      count("waiting", 1),
      count("failed", 3),
      count("dead", 3),
      moment("last_delivered_at", t("lastDelivered")),
      moment("waiting_since", t("waitingSince")),
      { id: "error", header: t("lastError"), kind: "text", width: 200, grow: 2, value: (row) => row.last_error },
    ];
  }, [t, time, names]);
}

const textsOf = (sink: Sink) => [sink.name];

/** Who gets messages of which events, and whether they arrive. */
export default function SinksPage() {
  const { t } = useTranslation("notifications");
  const client = useQueryClient();
  const sinks = useSinks();
  const columns = useColumns();
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const renew = () => void client.invalidateQueries({ queryKey: SINKS_QUERY });
  const test = (sink: Sink) => {
    testSink(sink).then(() => {
      toastDone(t("test.done", { name: sink.name }));
      renew();
    }, toastError);
  };
  return (
    <>
      <AdminList
        id="sinks"
        label={t("label")}
        columns={columns}
        query={sinks}
        rows={sinks.data}
        textsOf={textsOf}
        filter="sink"
        search={t("search")}
        create={t("create.title")}
        onCreate={() => setOpened({ kind: "new" })}
        empty={t("empty")}
        emptyHint={t("emptyHint")}
        sortBy="name"
        exportName="sinks"
        onOpen={(sink) => setOpened({ kind: "deliveries", sink })}
        actions={(sink) => [
          { id: "deliveries", label: t("deliveries.action"), run: () => setOpened({ kind: "deliveries", sink }) },
          { id: "change", label: t("change.action"), run: () => setOpened({ kind: "change", sink }) },
          { id: "test", label: t("test.action"), run: () => test(sink) },
          {
            id: "status",
            label: t(sink.status === "active" ? "disable.action" : "enable.action"),
            danger: sink.status === "active",
            run: () => setOpened({ kind: "status", sink }),
          },
        ]}
        readOnlyOnPhones
      />
      {opened?.kind === "new" && <SinkDialog onClose={close} onChanged={renew} />}
      {opened?.kind === "change" && <SinkDialog sink={opened.sink} onClose={close} onChanged={renew} />}
      {opened?.kind === "deliveries" && <DeliveriesDrawer sink={opened.sink} onClose={close} />}
      {opened?.kind === "status" && (
        <StatusDialog
          status={opened.sink.status}
          tier={2}
          text={(change, part) => t(`${change}.${part}`, { name: opened.sink.name })}
          onSet={(status) => changeSink(opened.sink, { status })}
          onClose={close}
          onChanged={renew}
        />
      )}
    </>
  );
}

