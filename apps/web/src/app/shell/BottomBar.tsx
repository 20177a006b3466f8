import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { offeredPages, type PageName } from "@/app/pages";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Menu } from "@/kit/Menu";
import { useMe } from "@/lib/permissions";
import { useNavigate } from "@tanstack/react-router";

const FIRST: readonly PageName[] = ["dashboard", "positions", "orders", "risk"];
const ITEM = "flex min-h-12 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted aria-[current=page]:text-fg";

/** The navigation of phones: the pages to monitor and to stop, and the rest behind "More". */
export function BottomBar() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const navigate = useNavigate();
  const offered = offeredPages(me.actions);
  const first = offered.filter((page) => FIRST.includes(page.name));
  const rest = offered.filter((page) => !FIRST.includes(page.name));
  return (
    <nav aria-label={t("navigation")} className="flex border-t border-line bg-panel sm:hidden">
      {first.map((page) => (
        <Link key={page.path} to={page.path} activeOptions={{ exact: true, includeSearch: false }} className={ITEM}>
          <Icon name={page.icon} />
          {t(`page.${page.name}`)}
        </Link>
      ))}
      <Menu
        trigger={
          <Button tone="quiet" className="h-12! flex-1" icon={<Icon name="menu" />}>
            <span className="text-2xs">{t("action.more", { ns: "common" })}</span>
          </Button>
        }
        items={rest.map((page) => ({
          id: page.path,
          label: t(`page.${page.name}`),
          run: () => void navigate({ to: page.path }),
        }))}
      />
    </nav>
  );
}
