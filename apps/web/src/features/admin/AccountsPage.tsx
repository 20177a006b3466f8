import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { AccountDrawer } from "@/features/accounts/AccountDrawer";
import { CredentialsDialog, LiveDialog, SettingsDialog } from "@/features/accounts/ChangeDialogs";
import { useAccountColumns } from "@/features/accounts/columns";
import { NewAccountDialog } from "@/features/accounts/NewAccountDialog";
import { useAccounts, useCompared, useRenewAccounts, type AdminAccount } from "@/features/accounts/reads";
import { SwitchDialog } from "@/features/risk/SwitchDialog";
import type { MenuItem } from "@/kit/Menu";

const DIALOGS = { settings: SettingsDialog, credentials: CredentialsDialog, live: LiveDialog };
type DialogName = keyof typeof DIALOGS | "status";
type Opened = { kind: "new" } | { kind: DialogName; account: AdminAccount } | null;

/** What may be done with an account. */
function useActions(open: (kind: DialogName, account: AdminAccount) => void, show: (id: number) => void) {
  const { t } = useTranslation("accounts");
  const navigate = useNavigate();
  return (account: AdminAccount): MenuItem[] => [
    { id: "test", label: t("test.action"), run: () => show(account.id) },
    { id: "settings", label: t("settings.action"), run: () => open("settings", account) },
    ...(account.environment === "paper" ? [] : [{ id: "credentials", label: t("credentials.action"), run: () => open("credentials", account) }]),
    {
      id: "permissions",
      label: t("permissions"),
      run: () => void navigate({ to: "/admin/permissions", search: { account: String(account.id) } as never }),
    },
    ...(account.environment === "live"
      ? [{ id: "live", label: t(account.live_enabled ? "liveOff.action" : "liveOn.action"), danger: !account.live_enabled, run: () => open("live", account) }]
      : []),
    {
      id: "status",
      label: t(account.status === "active" ? "block" : "unblock"),
      danger: account.status === "active",
      run: () => open("status", account),
    },
  ];
}

const textsOf = (account: AdminAccount) => [account.label, account.exchange_id, account.environment];

/** The accounts: create, settings, credentials, test of the connection, block. */
export default function AccountsPage() {
  const { t } = useTranslation("accounts");
  const accounts = useAccounts();
  const compared = useCompared();
  const columns = useAccountColumns(compared.data);
  const renew = useRenewAccounts();
  const [opened, setOpened] = useState<Opened>(null);
  const [shownId, setShownId] = useState<number | null>(null);
  const actions = useActions((kind, account) => setOpened({ kind, account }), setShownId);
  const shown = accounts.data?.find((account) => account.id === shownId);
  const close = () => setOpened(null);
  const Dialog = opened === null || opened.kind === "new" || opened.kind === "status" ? null : DIALOGS[opened.kind];
  return (
    <>
      <AdminList
        id="accounts"
        label={t("title")}
        columns={columns}
        query={accounts}
        rows={accounts.data}
        textsOf={textsOf}
        filter="name"
        search={t("search")}
        create={t("create.title")}
        onCreate={() => setOpened({ kind: "new" })}
        empty={t("empty")}
        sortBy="id"
        exportName="accounts"
        onOpen={(account) => setShownId(account.id)}
        actions={actions}
        readOnlyOnPhones
      />
      {shown !== undefined && (
        <AccountDrawer
          account={shown}
          compared={compared.data?.find((one) => one.account_id === shown.id)}
          onClose={() => setShownId(null)}
        />
      )}
      {opened?.kind === "new" && (
        <NewAccountDialog
          onClose={close}
          onCreated={(accountId) => {
            renew();
            setShownId(accountId);
          }}
        />
      )}
      {opened?.kind === "status" && (
        <SwitchDialog
          account={opened.account}
          kind={opened.account.status === "active" ? "block" : "unblock"}
          onClose={() => {
            close();
            renew();
          }}
        />
      )}
      {opened !== null && opened.kind !== "new" && Dialog !== null && <Dialog account={opened.account} onClose={close} onChanged={renew} />}
    </>
  );
}
