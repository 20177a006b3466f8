import { useTranslation } from "react-i18next";
import type { Environment } from "@/api/types";
import { cx } from "@/lib/cx";

const STYLES: Record<Environment, string> = {
  live: "border-live bg-live text-[var(--on-live)]",
  testnet: "border-accent text-accent",
  demo: "border-accent text-accent",
  paper: "border-line text-muted",
  loopback: "border-line text-muted",
};

/** Where an account trades: live is solid amber, all others are outlines. */
export function EnvBadge({ environment }: { environment: Environment }) {
  const { t } = useTranslation();
  return (
    <span
      className={cx(
        "inline-flex h-4 items-center rounded-sm border px-1 text-2xs font-semibold tracking-wide uppercase",
        STYLES[environment],
      )}
    >
      {t(`environment.${environment}`)}
    </span>
  );
}
