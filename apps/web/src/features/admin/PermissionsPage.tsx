import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { useFilters } from "@/app/search";
import { useAccounts } from "@/features/accounts/reads";
import { useKeys } from "@/features/keys/reads";
import { Matrix } from "@/features/permissions/Matrix";
import { matrixRows } from "@/features/permissions/matrix";
import { usePermissions } from "@/features/permissions/reads";
import { SaveDialog } from "@/features/permissions/SaveDialog";
import { useEdits } from "@/features/permissions/useEdits";
import { Button } from "@/kit/Button";
import { Combobox } from "@/kit/Combobox";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Icon } from "@/kit/Icon";
import { Spinner } from "@/kit/Spinner";
import { PHONE, useMedia } from "@/lib/media";

/** More rows than this are not drawn at once: a user or an account is chosen first. */
const ROWS_MAX = 200;

/** Keys and accounts in view, and their permissions. */
function useMatrix(user: string | undefined, accountId: string | undefined) {
  const keys = useKeys("admin");
  const accounts = useAccounts();
  const stateOf = useReadState();
  const shownKeys = useMemo(
    () => (keys.data ?? []).filter((key) => key.status === "active" && (user === undefined || key.userName === user)),
    [keys.data, user],
  );
  const shownAccounts = useMemo(
    () => (accounts.data ?? []).filter((account) => accountId === undefined || String(account.id) === accountId),
    [accounts.data, accountId],
  );
  const count = shownKeys.length * shownAccounts.length;
  const tooMany = count > ROWS_MAX;
  const permissions = usePermissions(tooMany ? [] : shownKeys.map((key) => key.id));
  return {
    keys: keys.data ?? [],
    accounts: accounts.data ?? [],
    count,
    tooMany,
    loading: keys.isPending || accounts.isPending || permissions.loading,
    error: (keys.data === undefined ? keys.error : null) ?? (accounts.data === undefined ? accounts.error : null) ?? permissions.error,
    stale: [keys, accounts].map((read) => stateOf(read).stale).find((text) => typeof text === "string") ?? permissions.stale,
    retry: () => {
      void keys.refetch();
      void accounts.refetch();
      permissions.retry();
    },
    rows: matrixRows(
      shownKeys.toSorted((a, b) => a.userName.localeCompare(b.userName) || a.id - b.id),
      shownAccounts,
      permissions.byKey,
    ),
  };
}

/** What each API key may do on each account. */
export default function PermissionsPage() {
  const { t } = useTranslation("permissions");
  const [filters, setFilters] = useFilters("user", "account");
  const matrix = useMatrix(filters.user, filters.account);
  const edits = useEdits();
  const [saving, setSaving] = useState(false);
  const users = [...new Set(matrix.keys.filter((key) => key.status === "active").map((key) => key.userName))].toSorted();
  const changes = edits.list.length;
  return (
    <>
      <div className="flex flex-wrap items-end gap-2 p-2">
        <Combobox
          label={t("column.user")}
          className="w-48"
          placeholder={t("allUsers")}
          value={filters.user ?? null}
          onChange={(user) => setFilters({ user: user ?? undefined })}
          options={users.map((user) => ({ value: user, label: user }))}
        />
        <Combobox
          label={t("column.account", { ns: "common" })}
          className="w-48"
          placeholder={t("allAccounts")}
          value={filters.account ?? null}
          onChange={(account) => setFilters({ account: account ?? undefined })}
          options={matrix.accounts.map((account) => ({ value: String(account.id), label: account.label }))}
        />
        <Button tone="primary" disabled={changes === 0} onClick={() => setSaving(true)}>
          {changes === 0 ? t("action.save", { ns: "common" }) : t("save.action", { count: changes })}
        </Button>
        {changes > 0 && <Button onClick={edits.clear}>{t("discard")}</Button>}
        {matrix.stale !== null && (
          <span className="flex items-center gap-1 self-center text-xs text-warn">
            <Icon name="clock" size={12} />
            {matrix.stale}
          </span>
        )}
        <p className="max-w-xs self-center text-xs text-muted">{t("administrators")}</p>
        <Link to="/admin/keys" className="ms-auto self-center text-sm text-accent underline">
          {t("keys")}
        </Link>
      </div>
      <Body matrix={matrix} edits={edits} />
      {saving && <SaveDialog edits={edits} onClose={() => setSaving(false)} />}
    </>
  );
}

function Body({ matrix, edits }: { matrix: ReturnType<typeof useMatrix>; edits: ReturnType<typeof useEdits> }) {
  const { t } = useTranslation("permissions");
  const phone = useMedia(PHONE);
  if (matrix.error !== null) return <ErrorState error={matrix.error} onRetry={matrix.retry} />;
  if (matrix.loading) {
    return (
      <div role="status" className="m-auto flex items-center gap-2 text-sm text-muted">
        <Spinner />
        {t("grid.loading", { ns: "common" })}
      </div>
    );
  }
  if (matrix.tooMany) return <EmptyState title={t("tooMany", { count: matrix.count })} />;
  if (matrix.rows.length === 0) return <EmptyState title={t("empty")} />;
  return <Matrix rows={matrix.rows} edits={edits} readOnly={phone} />;
}
