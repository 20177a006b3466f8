import { useTranslation } from "react-i18next";
import { useFilters } from "@/app/search";
import { PasswordPanel } from "@/features/account/PasswordPanel";
import { PreferencesPanel } from "@/features/account/PreferencesPanel";
import { KeyGrid } from "@/features/keys/KeyGrid";
import { SessionGrid } from "@/features/sessions/SessionGrid";
import { Tabs } from "@/kit/Tabs";

/** What belongs to the logged-in user: keys, sessions, password, preferences. */
export default function AccountPage() {
  const { t } = useTranslation("account");
  const [filters, setFilters] = useFilters("tab");
  return (
    <Tabs
      label={t("account", { ns: "shell" })}
      value={filters.tab ?? "keys"}
      onChange={(tab) => setFilters({ tab: tab === "keys" ? undefined : tab })}
      tabs={[
        { id: "keys", label: t("keys.title"), content: <KeyGrid owner="self" /> },
        { id: "sessions", label: t("sessions.title"), content: <SessionGrid owner="self" /> },
        { id: "password", label: t("password.title"), content: <PasswordPanel /> },
        { id: "preferences", label: t("preferences.title"), content: <PreferencesPanel /> },
      ]}
    />
  );
}
