import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { AccountAccess } from "@/api/types";
import { useLimitName } from "@/app/limitNames";
import { useAccountNames } from "@/app/scope";
import { askedForUsage, usageOptions, type Usage } from "@/features/risk/reads";
import { StatusPill } from "@/kit/StatusPill";
import { isDecimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

/** A limit on losses or rejections that an account has reached: it opens nothing until the limit is reset or its day is over. */
export interface ReachedLimit extends Usage {
  accountId: number;
}

/** The limits that these accounts have reached, the newest first. */
export function useReachedLimits(accounts: readonly AccountAccess[]): readonly ReachedLimit[] {
  const asked = useMemo(() => askedForUsage(accounts), [accounts]);
  return useQueries({
    queries: asked.map((id) => usageOptions(id)),
    combine: (queries) =>
      queries
        .flatMap((query, index) => (query.data?.items ?? []).map((usage) => ({ ...usage, accountId: asked[index] ?? 0 })))
        .filter((usage) => usage.tripped_at !== null)
        .toSorted((a, b) => (b.tripped_at ?? "").localeCompare(a.tripped_at ?? "")),
  });
}

/** The limits that are reached now; nothing where none is. */
export function ReachedLimits({ accounts }: { accounts: readonly AccountAccess[] }) {
  const { t } = useTranslation("risk");
  const { number, time } = useFormats();
  const limitName = useLimitName();
  const account = useAccountNames();
  const reached = useReachedLimits(accounts);
  if (reached.length === 0) return null;
  const shown = (value: unknown) => (typeof value === "string" && isDecimal(value) ? number(value) : String(value));
  return (
    <ul aria-label={t("breaches.reached")} className="flex flex-col border-b border-line">
      {reached.map((one) => (
        <li key={`${one.accountId}:${one.scope}:${one.scope_id}:${one.key}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-1.5 text-sm">
          <StatusPill tone="bad">{t("breaches.reachedNow")}</StatusPill>
          <span className="font-semibold">{account(one.accountId).label}</span>
          <span>{limitName(one.key)}</span>
          <span className="num text-muted">
            {one.current !== null && `${shown(one.current)} / `}
            {shown(one.limit)} · {t("limits.tripped", { time: time(one.tripped_at) })}
          </span>
        </li>
      ))}
    </ul>
  );
}
