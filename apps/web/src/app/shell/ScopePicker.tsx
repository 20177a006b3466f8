import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import type { AccountAccess, Environment } from "@/api/types";
import { Button } from "@/kit/Button";
import { EnvBadge } from "@/kit/EnvBadge";
import { Icon } from "@/kit/Icon";
import { Menu, type MenuItem } from "@/kit/Menu";
import { useMe } from "@/lib/permissions";

const ORDER: readonly Environment[] = ["live", "demo", "testnet", "paper", "loopback"];

function environmentsOf(accounts: readonly AccountAccess[]): Environment[] {
  return ORDER.filter((environment) => accounts.some((account) => account.environment === environment));
}

/** Which accounts are in view, by environment. None chosen means all. */
export function ScopePicker() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const scope = useScope();
  const chosen = new Set(scope.all ? [] : scope.ids);
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    scope.choose([...next]);
  };
  const items: MenuItem[] = [
    { id: "all", label: t("scope.all"), checked: scope.all, run: () => scope.choose([]) },
    ...environmentsOf(me.accounts).flatMap((environment): MenuItem[] => [
      { id: environment, heading: t(`environment.${environment}`, { ns: "common" }) },
      ...me.accounts
        .filter((account) => account.environment === environment)
        .map((account) => ({
          id: String(account.account_id),
          label: account.label,
          checked: chosen.has(account.account_id),
          run: () => toggle(account.account_id),
        })),
    ]),
  ];
  const only = scope.accounts.length === 1 ? scope.accounts[0] : undefined;
  const text =
    me.accounts.length === 0
      ? t("scope.none")
      : (only?.label ?? (scope.all ? t("scope.all") : t("accounts", { ns: "common", count: scope.ids.length })));
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Menu
        keepOpen
        items={items}
        trigger={
          <Button aria-label={t("scope.label")} className="min-w-0">
            <span className="max-w-40 truncate">{text}</span>
            <Icon name="down" size={12} />
          </Button>
        }
      />
      <span className="flex gap-1 max-sm:hidden">
        {environmentsOf(scope.accounts).map((environment) => (
          <EnvBadge key={environment} environment={environment} />
        ))}
      </span>
    </span>
  );
}
