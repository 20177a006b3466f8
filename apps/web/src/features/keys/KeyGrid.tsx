import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { StatusDialog } from "@/app/StatusDialog";
import { CapsDialog } from "@/features/keys/CapsDialog";
import { KEYS_QUERY, setKeyStatus, useKeys, type Key, type Owner } from "@/features/keys/reads";
import { isRole } from "@/features/users/reads";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { useFormats } from "@/lib/format";
import { commentRequired, useMe } from "@/lib/permissions";

const NewKeyDialog = lazy(async () => ({ default: (await import("@/features/keys/NewKeyDialog")).NewKeyDialog }));

type Opened = { kind: "new" } | { kind: "status" | "caps"; key: Key } | null;

function useColumns(owner: Owner): readonly Column<Key>[] {
  const { t } = useTranslation("account");
  const { time, number } = useFormats();
  return useMemo(() => {
    const user: Column<Key>[] = [
      { id: "user", header: t("keys.user"), kind: "text", width: 120, priority: 1, value: (row) => row.userName },
      { id: "role", header: t("keys.role"), kind: "text", width: 130, priority: 3, value: (row) => row.role, cell: (row) => (isRole(row.role) ? t(`roles.${row.role}`, { ns: "users" }) : row.role) },
    ];
    const cap = (id: "max_order_notional" | "max_day_notional"): Column<Key> => ({
      id,
      header: t(`keys.caps.${id}`),
      kind: "decimal",
      width: 150,
      priority: 4,
      value: (row) => row.restrictions[id],
      cell: (row) => number(row.restrictions[id]),
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "label", header: t("keys.label"), kind: "text", width: 140, priority: 1, value: (row) => row.label },
      ...(owner === "admin" ? user : []),
      { id: "prefix", header: t("keys.prefix"), kind: "text", width: 120, priority: 2, value: (row) => row.prefix },
      {
        id: "status",
        header: t("keys.status"),
        kind: "text",
        width: 100,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => <StatusPill tone={row.status === "active" ? "good" : "neutral"}>{t(`keys.state.${row.status}`)}</StatusPill>,
      },
      { id: "used", header: t("keys.lastUsed"), kind: "time", width: 142, priority: 2, value: (row) => row.lastUsedAt, cell: (row) => time(row.lastUsedAt) },
      { id: "ip", header: t("keys.lastIp"), kind: "text", width: 110, priority: 3, value: (row) => row.lastUsedIp },
      {
        id: "expires",
        header: t("keys.expires"),
        kind: "time",
        width: 142,
        priority: 3,
        value: (row) => row.restrictions.expires_at,
        cell: (row) => (row.restrictions.expires_at === null ? t("keys.term.never") : time(row.restrictions.expires_at)),
      },
      {
        id: "addresses",
        header: t("keys.addresses"),
        kind: "text",
        width: 130,
        priority: 4,
        value: (row) => row.restrictions.ip_allowlist?.join(", ") ?? null,
      },
      cap("max_order_notional"),
      cap("max_day_notional"),
      { id: "created", header: t("keys.created"), kind: "time", width: 142, priority: 4, value: (row) => row.createdAt, cell: (row) => time(row.createdAt) },
    ];
  }, [t, time, number, owner]);
}

const textsOf = (key: Key) => [key.label, key.userName, key.prefix];

/** Keys as a grid: create, disable, enable. */
export function KeyGrid({ owner }: { owner: Owner }) {
  const { t } = useTranslation("account");
  const me = useMe();
  const client = useQueryClient();
  const keys = useKeys(owner);
  const columns = useColumns(owner);
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const renew = () => void client.invalidateQueries({ queryKey: KEYS_QUERY });
  return (
    <>
      <AdminList
        id={owner === "admin" ? "keys" : "ownKeys"}
        label={t("keys.title")}
        columns={columns}
        query={keys}
        rows={keys.data}
        textsOf={textsOf}
        filter="key"
        search={t("keys.search")}
        create={t("keys.create.title")}
        onCreate={() => setOpened({ kind: "new" })}
        empty={t("keys.empty")}
        sortBy="id"
        newestFirst
        exportName="api-keys"
        actions={(key) => [
          ...(owner === "admin" ? [{ id: "caps", label: t("keys.caps.action"), run: () => setOpened({ kind: "caps", key }) }] : []),
          {
            id: "status",
            label: t(key.status === "active" ? "keys.disable.action" : "keys.enable.action"),
            danger: key.status === "active",
            run: () => setOpened({ kind: "status", key }),
          },
        ]}
        readOnlyOnPhones={owner === "admin"}
      />
      {opened?.kind === "new" && (
        <Suspense fallback={null}>
          <NewKeyDialog owner={owner} onClose={close} onCreated={renew} />
        </Suspense>
      )}
      {opened?.kind === "caps" && <CapsDialog target={opened.key} onClose={close} onChanged={renew} />}
      {opened?.kind === "status" && (
        <StatusDialog
          status={opened.key.status}
          tier={owner === "admin" ? 3 : 2}
          comment={commentRequired(me) ? "required" : "optional"}
          text={(change, part) => t(`keys.${change}.${part}`, { name: opened.key.label ?? `#${opened.key.id}`, user: opened.key.userName })}
          warning={me.api_key.api_key_id === opened.key.id ? t("keys.disable.own") : undefined}
          onSet={(status, comment) => setKeyStatus(owner, opened.key, status, comment)}
          onClose={close}
          onChanged={renew}
        />
      )}
    </>
  );
}
