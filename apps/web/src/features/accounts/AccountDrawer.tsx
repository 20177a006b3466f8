import { useTranslation } from "react-i18next";
import { ConnectionTest } from "@/features/accounts/ConnectionTest";
import type { AdminAccount, Compared } from "@/features/accounts/reads";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { EnvBadge } from "@/kit/EnvBadge";
import { NOTHING, useFormats } from "@/lib/format";

interface AccountDrawerProps {
  account: AdminAccount;
  compared: Compared | undefined;
  onClose: () => void;
}

/** Settings of an account, and the test of its connection. */
export function AccountDrawer({ account, compared, onClose }: AccountDrawerProps) {
  const { t } = useTranslation("accounts");
  const { time } = useFormats();
  const stored = (sealed: string | null) => t(sealed === null ? "stored.no" : "stored.yes");
  return (
    <DetailDrawer open onClose={onClose} title={account.label}>
      <span>
        <EnvBadge environment={account.environment} />
      </span>
      <Facts
        facts={[
          [t("exchange"), account.exchange_id],
          [t("positionMode"), account.position_mode],
          [t("status"), t(account.status === "active" ? "state.active" : "state.blocked")],
          [t("owner"), account.trader_name ?? NOTHING],
          ...(account.environment === "paper"
            ? []
            : ([
                [t("credentials.api_key"), stored(account.api_key_enc)],
                [t("credentials.secret"), stored(account.secret_enc)],
                [t("credentials.passphrase"), stored(account.passphrase_enc)],
                [t("credentials.changed"), time(account.credentials_updated_at)],
              ] as const)),
          [t("created"), time(account.created_at)],
          [t("compared"), time(compared?.updated_at ?? null)],
          ...(compared?.degraded ? [[t("degraded"), compared.degraded] as const] : []),
          ...(compared?.history_unreachable ? [[t("unreachable"), compared.history_unreachable] as const] : []),
        ]}
      />
      <ConnectionTest key={account.id} accountId={account.id} />
    </DetailDrawer>
  );
}
