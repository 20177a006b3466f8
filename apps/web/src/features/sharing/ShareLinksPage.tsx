import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import { AdminList } from "@/app/AdminList";
import { useAccountNames } from "@/app/scope";
import { NewLinkDialog } from "@/features/sharing/NewLinkDialog";
import { LINKS_QUERY, revokeShareLink, useShareLinks, type ShareLink } from "@/features/sharing/reads";
import { Confirm } from "@/kit/Confirm";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone } from "@/kit/toasts";
import { useFormats } from "@/lib/format";

const TONES = { active: "good", expired: "neutral", revoked: "bad" } as const;

function useColumns(): readonly Column<ShareLink>[] {
  const { t } = useTranslation("sharing");
  const { time } = useFormats();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  return useMemo((): Column<ShareLink>[] => {
    const moment = (id: "created_at" | "expires_at" | "since", priority: 1 | 3 | 4): Column<ShareLink> => ({
      id,
      header: t(`column.${id}`),
      kind: "time",
      width: 142,
      grow: 0,
      priority,
      value: (row) => row[id],
      cell: (row) => (id === "since" && row.since === null ? t("everything") : time(row[id])),
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 4, value: (row) => row.id },
      { id: "title", header: t("title"), kind: "text", width: 160, priority: 1, value: (row) => row.title },
      { id: "view", header: t("view"), kind: "text", width: 130, priority: 1, value: (row) => t(`views.${row.view}`) },
      {
        id: "status",
        header: t("column.status"),
        kind: "text",
        width: 96,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => <StatusPill tone={TONES[row.status]}>{t(`status.${row.status}`)}</StatusPill>,
      },
      { id: "accounts", header: t("accounts"), kind: "text", width: 170, value: (row) => row.account_ids.map((id) => account(id).label).join(", ") },
      {
        id: "strategy",
        header: t("column.strategy", { ns: "common" }),
        kind: "text",
        width: 110,
        priority: 3,
        value: (row) => (row.strategy_id === null ? t("allStrategies") : strategy(row.strategy_id)),
      },
      { id: "amounts", header: t("column.amounts"), kind: "text", width: 90, value: (row) => t(row.show_amounts ? "shown" : "hidden") },
      moment("since", 3),
      { id: "createdBy", header: t("column.createdBy"), kind: "text", width: 100, priority: 3, value: (row) => row.created_by },
      moment("created_at", 4),
      moment("expires_at", 1),
    ];
  }, [t, time, account, strategy]);
}

const textsOf = (link: ShareLink) => [link.title];

/** Links that show figures to readers without an account. */
export default function ShareLinksPage() {
  const { t } = useTranslation("sharing");
  const client = useQueryClient();
  const links = useShareLinks();
  const columns = useColumns();
  const [isNew, setNew] = useState(false);
  const [revoked, setRevoked] = useState<ShareLink | null>(null);
  const renew = () => void client.invalidateQueries({ queryKey: LINKS_QUERY });
  return (
    <>
      <AdminList
        id="shareLinks"
        label={t("label")}
        columns={columns}
        query={links}
        rows={links.data}
        textsOf={textsOf}
        filter="link"
        search={t("search")}
        create={t("create.title")}
        onCreate={() => setNew(true)}
        empty={t("empty")}
        emptyHint={t("emptyHint")}
        sortBy="id"
        newestFirst
        exportName="share-links"
        actions={(link) =>
          link.status === "active" ? [{ id: "revoke", label: t("revoke.action"), danger: true, run: () => setRevoked(link) }] : []
        }
      />
      {isNew && <NewLinkDialog onClose={() => setNew(false)} onCreated={renew} />}
      {revoked !== null && (
        <Confirm
          open
          onClose={() => setRevoked(null)}
          tier={2}
          comment="none"
          title={t("revoke.title", { title: revoked.title })}
          effect={t("revoke.effect")}
          action={t("revoke.action")}
          onConfirm={async () => {
            await revokeShareLink(revoked);
            toastDone(t("revoke.done", { title: revoked.title }));
            renew();
          }}
        />
      )}
    </>
  );
}
