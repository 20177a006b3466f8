import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { loadSession } from "@/api/session";
import { useReadState } from "@/app/readState";
import { browserOf } from "@/features/sessions/browser";
import { revokeSession, SESSIONS_QUERY, useSessions, type Owner, type Session } from "@/features/sessions/reads";
import { Confirm } from "@/kit/Confirm";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone } from "@/kit/toasts";
import { useFormats } from "@/lib/format";
import { commentRequired, useMe } from "@/lib/permissions";

function useColumns(owner: Owner): readonly Column<Session>[] {
  const { t } = useTranslation("account");
  const { time } = useFormats();
  return useMemo(() => {
    const at = (id: string, header: string, value: (row: Session) => string | null, priority: 2 | 3): Column<Session> => ({
      id,
      header,
      kind: "time",
      width: 142,
      priority,
      value,
      cell: (row) => time(value(row)),
    });
    const user: Column<Session> = { id: "user", header: t("keys.user"), kind: "text", width: 120, priority: 1, value: (row) => row.userName };
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      ...(owner === "admin" ? [user] : []),
      {
        id: "browser",
        header: t("sessions.browser"),
        kind: "text",
        width: 220,
        priority: 1,
        value: (row) => row.user_agent,
        cell: (row) => (
          <span title={row.user_agent ?? ""} className="inline-flex items-center gap-2">
            {browserOf(row.user_agent ?? "")}
            {row.is_this && <StatusPill tone="active">{t("sessions.this")}</StatusPill>}
          </span>
        ),
      },
      {
        id: "mode",
        header: t("sessions.mode"),
        kind: "text",
        width: 100,
        priority: 2,
        value: (row) => row.mode,
        cell: (row) => t(`sessions.by.${row.mode}`),
      },
      { id: "key", header: t("sessions.key"), kind: "id", width: 60, grow: 0, priority: 4, value: (row) => row.api_key_id },
      { id: "ip", header: t("sessions.ip"), kind: "text", width: 120, priority: 2, value: (row) => row.ip },
      at("created", t("sessions.created"), (row) => row.created_at, 3),
      at("used", t("sessions.used"), (row) => row.last_used_at, 2),
      at("idle", t("sessions.idle"), (row) => row.idle_ends_at, 3),
      at("ends", t("sessions.ends"), (row) => row.ends_at, 3),
    ];
  }, [t, time, owner]);
}

/** Browser sessions as a grid, and ending one. */
export function SessionGrid({ owner }: { owner: Owner }) {
  const { t } = useTranslation("account");
  const me = useMe();
  const client = useQueryClient();
  const sessions = useSessions(owner);
  const stateOf = useReadState();
  const columns = useColumns(owner);
  const [revoked, setRevoked] = useState<Session | null>(null);
  return (
    <>
      <DataGrid
        id={owner === "admin" ? "sessions" : "ownSessions"}
        label={t("sessions.title")}
        columns={columns}
        rows={sessions.data ?? []}
        state={stateOf(sessions)}
        empty={<EmptyState title={t("sessions.empty")} />}
        defaultSort={{ id: "used", desc: true }}
        exportName="sessions"
        actions={(row) => [{ id: "revoke", label: t("sessions.revoke.action"), danger: true, run: () => setRevoked(row) }]}
      />
      {revoked !== null && (
        <Confirm
          open
          onClose={() => setRevoked(null)}
          tier={owner === "admin" ? 3 : 2}
          comment={commentRequired(me) ? "required" : "optional"}
          title={t("sessions.revoke.title", { id: revoked.id })}
          effect={t("sessions.revoke.effect", {
            user: revoked.userName ?? me.user.user_name,
            browser: browserOf(revoked.user_agent ?? ""),
          })}
          action={t("sessions.revoke.action")}
          onConfirm={async (comment) => {
            await revokeSession(owner, revoked.id, comment);
            if (revoked.is_this) return loadSession();
            toastDone(t("sessions.revoke.done"));
            await client.invalidateQueries({ queryKey: SESSIONS_QUERY });
          }}
        >
          {revoked.is_this && <p className="text-sm text-warn">{t("sessions.revoke.own")}</p>}
        </Confirm>
      )}
    </>
  );
}
