import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { changeKey, logout } from "@/api/session";
import { pages } from "@/app/pages";
import { Button } from "@/kit/Button";
import { useErrorText } from "@/kit/errorText";
import { Icon } from "@/kit/Icon";
import { Menu, type MenuItem } from "@/kit/Menu";
import { toastError } from "@/kit/toasts";
import { useMe } from "@/lib/permissions";

/** Who is logged in, by which key; another key, my account, log out. */
export function UserMenu() {
  const { t } = useTranslation("shell");
  const text = useErrorText();
  const me = useMe();
  const navigate = useNavigate();
  const failed = (error: unknown) => toastError(text(error));
  const withKeys = me.session?.mode === "password" && me.api_keys.length > 1;
  const items: MenuItem[] = [
    { id: "user", heading: `${me.user.user_name} · ${me.user.role}` },
    ...(withKeys
      ? me.api_keys.map((key) => ({
          id: `key-${key.api_key_id}`,
          label: `${t("key")} ${key.label ?? key.api_key_id}`,
          checked: key.api_key_id === me.api_key.api_key_id,
          run: () => void changeKey(key.api_key_id).catch(failed),
        }))
      : []),
    ...pages
      .filter((page) => page.section === null)
      .map((page) => ({
        id: page.path,
        label: t(`page.${page.name}`),
        run: () => void navigate({ to: page.path }),
      })),
    { id: "logout", label: t("logout"), run: () => void logout().catch(failed) },
  ];
  return (
    <Menu
      items={items}
      trigger={
        <Button tone="quiet" icon={<Icon name="users" />} aria-label={t("menu")}>
          <span className="max-w-28 truncate max-md:sr-only">{me.user.user_name}</span>
        </Button>
      }
    />
  );
}
