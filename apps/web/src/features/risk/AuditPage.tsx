import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useCodeWord } from "@/app/codes";
import { useReadState } from "@/app/readState";
import { SavedViews } from "@/app/SavedViews";
import { useAccountNames } from "@/app/scope";
import { useFilters } from "@/app/search";
import { Combobox } from "@/kit/Combobox";
import { DataGrid } from "@/kit/DataGrid";
import { DetailDrawer } from "@/kit/DetailDrawer";
import type { Column } from "@/kit/grid/types";
import { JsonView } from "@/kit/JsonView";
import { useFormats } from "@/lib/format";
import codes from "@/locales/en/codes";

const VIEW_FILTERS = ["action"] as const;

type Entry = components["schemas"]["AuditEntry"];

const PAGE_SIZE = 200;
const ACTIONS = Object.keys(codes.audit);

function useAudit(action: string | undefined) {
  const query = useInfiniteQuery({
    queryKey: ["audit", action],
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const filters = action === undefined ? {} : { action };
      const params = { query: { ...filters, cursor: pageParam, sort: "desc" as const, page_size: PAGE_SIZE, with_total: false } };
      return call(api.GET("/admin/audit", { params }));
    },
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, rows };
}

function useColumns(): readonly Column<Entry>[] {
  const { t } = useTranslation("risk");
  const { time } = useFormats();
  const account = useAccountNames();
  const action = useCodeWord("audit");
  return useMemo(
    () => [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 70, grow: 0, priority: 4, value: (row) => row.id },
      { id: "time", header: t("column.time", { ns: "common" }), kind: "time", width: 160, grow: 0, priority: 1, value: (row) => row.created_at, cell: (row) => time(row.created_at) },
      { id: "actor", header: t("audit.actor"), kind: "text", width: 120, priority: 1, value: (row) => row.actor },
      { id: "action", header: t("audit.action"), kind: "text", width: 180, priority: 1, value: (row) => action(row.action) },
      { id: "entity", header: t("audit.entity"), kind: "text", width: 140, priority: 3, value: (row) => `${row.entity} ${row.entity_id}` },
      {
        id: "account",
        header: t("column.account", { ns: "common" }),
        kind: "text",
        width: 130,
        priority: 3,
        value: (row) => (row.account_id === null ? null : account(row.account_id).label),
      },
      { id: "comment", header: t("audit.comment"), kind: "text", width: 240, priority: 2, value: (row) => row.comment },
      { id: "ip", header: t("audit.ip"), kind: "text", width: 110, priority: 4, value: (row) => row.actor_ip },
    ],
    [t, time, account, action],
  );
}

/** Who changed what, when and why; the newest first. */
export default function AuditPage() {
  const { t } = useTranslation("risk");
  const [filters, setFilters, filtered] = useFilters("action");
  const audit = useAudit(filters.action);
  const action = useCodeWord("audit");
  const stateOf = useReadState();
  const columns = useColumns();
  const [detail, setDetail] = useState<Entry | null>(null);
  return (
    <>
      <DataGrid
        id="audit"
        label={t("audit.title")}
        columns={columns}
        rows={audit.rows}
        state={stateOf(audit)}
        empty={t("audit.empty")}
        onClearFilters={filtered ? () => setFilters({ action: undefined }) : undefined}
        defaultSort={{ id: "id", desc: true }}
        exportName="audit"
        onOpen={setDetail}
        onEnd={audit.hasNextPage && !audit.isFetchingNextPage && !audit.isFetchNextPageError ? () => void audit.fetchNextPage() : undefined}
        toolbar={
          <>
            <Combobox
              label={t("audit.action")}
              hiddenLabel
              placeholder={t("audit.action")}
              className="w-56"
              value={filters.action ?? null}
              onChange={(next) => setFilters({ action: next ?? undefined })}
              options={ACTIONS.map((value) => ({ value, label: action(value) }))}
            />
            <SavedViews grid="audit" filters={VIEW_FILTERS} />
          </>
        }
      />
      {detail !== null && (
        <DetailDrawer open onClose={() => setDetail(null)} title={`${action(detail.action)} ${detail.entity} ${detail.entity_id}`}>
          <JsonView value={detail} />
        </DetailDrawer>
      )}
    </>
  );
}
