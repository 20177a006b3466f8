import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { StatusDialog } from "@/app/StatusDialog";
import { KEYS_QUERY, useKeys } from "@/features/keys/reads";
import { SESSIONS_QUERY, useSessions } from "@/features/sessions/reads";
import { PasswordDialog, RoleDialog } from "@/features/users/ChangeDialogs";
import { NewUserDialog } from "@/features/users/NewUserDialog";
import { changeUser, isRole, USERS_QUERY, useUsers, type User } from "@/features/users/reads";
import { userRows, type UserListRow } from "@/features/users/rows";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { useFormats } from "@/lib/format";
import { useMe } from "@/lib/permissions";

type Opened = { kind: "new" } | { kind: "role" | "password" | "status"; user: User } | null;

function useColumns(): readonly Column<UserListRow>[] {
  const { t } = useTranslation("users");
  const { time } = useFormats();
  return useMemo(() => {
    const count = (id: "activeKeys" | "sessions"): Column<UserListRow> => ({
      id,
      header: t(`column.${id}`),
      kind: "id",
      width: 100,
      priority: 2,
      value: (row) => row[id],
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "name", header: t("name"), kind: "text", width: 160, priority: 1, value: (row) => row.user_name },
      {
        id: "role",
        header: t("role"),
        kind: "text",
        width: 140,
        priority: 1,
        value: (row) => row.role,
        cell: (row) => (isRole(row.role) ? t(`roles.${row.role}`) : row.role),
      },
      {
        id: "status",
        header: t("status"),
        kind: "text",
        width: 100,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => (
          <StatusPill tone={row.status === "active" ? "good" : "neutral"}>
            {t(row.status === "active" ? "state.active" : "state.disabled")}
          </StatusPill>
        ),
      },
      count("activeKeys"),
      count("sessions"),
      { id: "used", header: t("column.used"), kind: "time", width: 142, priority: 2, value: (row) => row.lastUsedAt, cell: (row) => time(row.lastUsedAt) },
      { id: "created", header: t("column.created"), kind: "time", width: 142, priority: 3, value: (row) => row.created_at, cell: (row) => time(row.created_at) },
    ];
  }, [t, time]);
}

function useUserRows() {
  const users = useUsers();
  const keys = useKeys("admin");
  const sessions = useSessions("admin");
  const rows = useMemo(
    () => userRows(users.data ?? [], keys.data, sessions.data),
    [users.data, keys.data, sessions.data],
  );
  return { users, rows };
}

const textsOf = (user: UserListRow) => [user.user_name, user.role];

/** The users: create, role, password, disable. */
export default function UsersPage() {
  const { t } = useTranslation("users");
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const columns = useColumns();
  const { users, rows } = useUserRows();
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const renew = () => {
    for (const queryKey of [USERS_QUERY, KEYS_QUERY, SESSIONS_QUERY]) void client.invalidateQueries({ queryKey });
  };
  return (
    <>
      <AdminList
        id="users"
        label={t("title")}
        columns={columns}
        query={users}
        rows={rows}
        textsOf={textsOf}
        filter="user"
        search={t("search")}
        create={t("create.title")}
        onCreate={() => setOpened({ kind: "new" })}
        empty={t("empty")}
        sortBy="name"
        exportName="users"
        actions={(user) => [
          { id: "permissions", label: t("permissions"), run: () => void navigate({ to: "/admin/permissions", search: { user: user.user_name } as never }) },
          { id: "keys", label: t("keys"), run: () => void navigate({ to: "/admin/keys", search: { key: user.user_name } as never }) },
          { id: "role", label: t("changeRole.action"), run: () => setOpened({ kind: "role", user }) },
          { id: "password", label: t("password.action"), run: () => setOpened({ kind: "password", user }) },
          {
            id: "status",
            label: t(user.status === "active" ? "disable.action" : "enable.action"),
            danger: user.status === "active",
            run: () => setOpened({ kind: "status", user }),
          },
        ]}
        readOnlyOnPhones
      />
      {opened?.kind === "new" && <NewUserDialog onClose={close} onCreated={renew} />}
      {opened?.kind === "role" && <RoleDialog user={opened.user} onClose={close} onChanged={renew} />}
      {opened?.kind === "password" && <PasswordDialog user={opened.user} onClose={close} onChanged={renew} />}
      {opened?.kind === "status" && (
        <StatusDialog
          status={opened.user.status}
          tier={3}
          text={(change, part) => t(`${change}.${part}`, { name: opened.user.user_name })}
          warning={me.user.user_id === opened.user.user_id ? t("disable.own") : undefined}
          onSet={(status, comment) => changeUser(opened.user.user_id, { status }, comment)}
          onClose={close}
          onChanged={renew}
        />
      )}
    </>
  );
}
