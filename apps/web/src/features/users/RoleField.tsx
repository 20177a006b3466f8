import { useTranslation } from "react-i18next";
import type { Role } from "@/api/types";
import { ROLES } from "@/features/users/reads";
import { Select } from "@/kit/Select";

/** What is typed before a user becomes an administrator. */
export function adminPhrase(role: Role, userName: string): { phrase?: string } {
  return role === "admin" ? { phrase: `ADMIN ${userName}` } : {};
}

/** A role, and what it may do. */
export function RoleField({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  const { t } = useTranslation("users");
  return (
    <>
      <Select
        label={t("role")}
        value={value}
        onChange={onChange}
        options={ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
      />
      <p className="text-xs text-muted">{t(`roleMay.${value}`)}</p>
    </>
  );
}
