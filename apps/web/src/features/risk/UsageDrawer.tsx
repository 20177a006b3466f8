import { useTranslation } from "react-i18next";
import { useLimitName } from "@/app/limitNames";
import { useUsageOf, type AccountRow, type Usage } from "@/features/risk/reads";
import { usedPercent } from "@/features/risk/usedPercent";
import { DetailDrawer } from "@/kit/DetailDrawer";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { cx } from "@/lib/cx";
import { cmp, isDecimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

const NEAR = "80";

/** The limits of an account: value, who set it, how much is used. */
export function UsageDrawer({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const { t } = useTranslation("risk");
  const { data: usage, error, refetch } = useUsageOf(account.id);
  const data = usage?.items;
  return (
    <DetailDrawer open onClose={onClose} title={t("limits.title", { account: account.label })}>
      {error !== null && <ErrorState error={error} onRetry={() => void refetch()} compact />}
      {data?.length === 0 && <EmptyState title={t("limits.none")} />}
      <ul className="flex flex-col gap-3">
        {(data ?? []).map((usage) => (
          <UsageRow key={`${usage.scope}:${usage.scope_id}:${usage.key}`} usage={usage} />
        ))}
      </ul>
    </DetailDrawer>
  );
}

function limitText(limit: Usage["limit"]): string {
  if (Array.isArray(limit)) return limit.join(", ");
  return String(limit);
}

/** A limit that rules an account with its bar; `unnamed`: the key stands beside it already. */
export function UsageRow({ usage, unnamed = false }: { usage: Usage; unnamed?: boolean }) {
  const { t } = useTranslation("risk");
  const { number, time } = useFormats();
  const name = useLimitName()(usage.key);
  const used = usedPercent(usage);
  const over = used !== null && cmp(used, "100") >= 0;
  const near = used !== null && cmp(used, NEAR) >= 0;
  const shown = typeof usage.limit === "string" && isDecimal(usage.limit) ? number(usage.limit) : limitText(usage.limit);
  const setBy = t("limits.setBy", { who: usage.set_by, time: time(usage.set_at) });
  return (
    <li className="flex flex-col gap-1 text-sm">
      <span className="flex justify-between gap-3">
        {unnamed ? <span>{t(`limits.scope.${usage.scope}`)}</span> : <span title={usage.key}>{name}</span>}
        <span className={cx("num", over ? "text-down" : near && "text-warn")}>
          {usage.current !== null && `${isDecimal(usage.current) ? number(usage.current) : usage.current} / `}
          {shown}
        </span>
      </span>
      {used !== null && (
        <span
          role="meter"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={over ? 100 : Math.round(Number(used))}
          className="h-1 bg-raise"
        >
          <span
            className={cx("block h-1", over ? "bg-down" : near ? "bg-warn" : "bg-accent")}
            style={{ width: `${over ? "100" : used}%` }}
          />
        </span>
      )}
      <span className="num text-2xs text-muted">
        {(unnamed
          ? [usage.scope === "account" ? null : setBy, usage.symbol]
          : [t(`limits.scope.${usage.scope}`), setBy, usage.symbol]
        )
          .filter((part) => part !== null)
          .join(" · ")}
        {usage.tripped_at !== null && <span className="text-down"> · {t("limits.tripped", { time: time(usage.tripped_at) })}</span>}
      </span>
    </li>
  );
}
