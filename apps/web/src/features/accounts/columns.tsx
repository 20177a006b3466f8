import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { AdminAccount, Compared } from "@/features/accounts/reads";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { NOTHING } from "@/lib/format";
import { fmtDuration } from "@/lib/time";

const TONES: Record<Compared["status"], PillTone> = { fresh: "good", stale: "warn", never: "neutral" };

/** What went wrong at the last comparison with the exchange; null: nothing. */
function problemOf(compared: Compared | undefined): string | null {
  return compared?.degraded ?? compared?.history_unreachable ?? null;
}

function Age({ compared }: { compared: Compared | undefined }) {
  const { t } = useTranslation("accounts");
  if (compared === undefined) return NOTHING;
  const age = compared.age_seconds === null ? t("never") : fmtDuration(compared.age_seconds * 1000);
  return <StatusPill tone={TONES[compared.status]}>{age}</StatusPill>;
}

function Status({ account }: { account: AdminAccount }) {
  const { t } = useTranslation("accounts");
  if (account.status !== "active") return <StatusPill tone="bad">{t("state.blocked")}</StatusPill>;
  if (account.environment === "live" && !account.live_enabled) return <StatusPill tone="warn">{t("state.liveOff")}</StatusPill>;
  return <StatusPill tone="good">{t("state.active")}</StatusPill>;
}

/** The columns of the list of accounts, with the last comparison of each. */
export function useAccountColumns(compared: readonly Compared[] | undefined): readonly Column<AdminAccount>[] {
  const { t } = useTranslation("accounts");
  return useMemo(() => {
    const of = (row: AdminAccount) => compared?.find((one) => one.account_id === row.id);
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "label", header: t("label"), kind: "text", width: 160, priority: 1, value: (row) => row.label },
      {
        id: "environment",
        header: t("column.environment", { ns: "common" }),
        kind: "text",
        width: 90,
        priority: 1,
        value: (row) => row.environment,
        cell: (row) => <EnvBadge environment={row.environment} />,
      },
      { id: "exchange", header: t("exchange"), kind: "text", width: 130, priority: 2, value: (row) => row.exchange_id },
      { id: "mode", header: t("positionMode"), kind: "text", width: 110, priority: 3, value: (row) => row.position_mode },
      { id: "status", header: t("status"), kind: "text", width: 110, priority: 1, value: (row) => row.status, cell: (row) => <Status account={row} /> },
      { id: "owner", header: t("owner"), kind: "text", width: 120, priority: 4, value: (row) => row.trader_name },
      {
        id: "compared",
        header: t("comparedAge"),
        kind: "id",
        width: 110,
        priority: 2,
        value: (row) => of(row)?.age_seconds ?? null,
        cell: (row) => <Age compared={of(row)} />,
      },
      { id: "differences", header: t("differences"), kind: "id", width: 90, priority: 2, value: (row) => of(row)?.discrepancies ?? null },
      { id: "problem", header: t("problem"), kind: "text", width: 160, priority: 3, value: (row) => problemOf(of(row)) },
      {
        id: "credentials",
        header: t("credentials.column"),
        kind: "text",
        width: 110,
        priority: 4,
        value: (row) => (row.api_key_enc === null ? "no" : "yes"),
        cell: (row) => t(row.environment === "paper" ? "stored.notNeeded" : row.api_key_enc === null ? "stored.no" : "stored.yes"),
      },
    ];
  }, [t, compared]);
}
