import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { offeredPages, type SectionName } from "@/app/pages";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";
import { NARROW, useMedia } from "@/lib/media";
import { useMe } from "@/lib/permissions";
import { setPreference, usePreference } from "@/lib/preferences";

const SECTIONS: readonly SectionName[] = ["trade", "analyse", "research", "signals", "posttrade", "risk", "admin"];

/** The pages that the user is offered, by section. */
export function Rail() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const preferred = usePreference("railCollapsed");
  const narrow = useMedia(NARROW);
  const collapsed = preferred || narrow;
  const offered = offeredPages(me.actions);
  return (
    <nav
      aria-label={t("navigation")}
      className={cx(
        "flex shrink-0 flex-col overflow-x-hidden overflow-y-auto border-e border-line bg-panel max-sm:hidden",
        collapsed ? "w-12" : "w-48",
      )}
    >
      <div className="flex h-10 shrink-0 items-center gap-2 px-3 font-semibold">
        <img src="/ui/favicon.svg" alt="" width={20} height={20} />
        {!collapsed && <span>{t("product", { ns: "common" })}</span>}
      </div>
      {SECTIONS.map((section) => {
        const inSection = offered.filter((page) => page.section === section);
        if (inSection.length === 0) return null;
        return (
          <div key={section} className="flex flex-col px-1.5 pb-2">
            <h2 className={cx("px-2 pt-2 pb-1 text-2xs text-muted uppercase", collapsed && "sr-only")}>
              {t(`section.${section}`)}
            </h2>
            {inSection.map((page) => (
              <Link
                key={page.path}
                to={page.path}
                activeOptions={{ exact: true, includeSearch: false }}
                title={t(`page.${page.name}`)}
                className="flex min-h-7 items-center gap-2.5 rounded px-2 text-sm text-muted hover:bg-raise hover:text-fg aria-[current=page]:bg-raise aria-[current=page]:text-fg"
              >
                <Icon name={page.icon} />
                <span className={cx("truncate", collapsed && "sr-only")}>{t(`page.${page.name}`)}</span>
              </Link>
            ))}
          </div>
        );
      })}
      {!narrow && (
        <span className="mt-auto p-1.5">
          <Button
            tone="quiet"
            icon={<Icon name={collapsed ? "right" : "left"} />}
            aria-label={t(collapsed ? "expand" : "collapse")}
            onClick={() => setPreference("railCollapsed", !preferred)}
          />
        </span>
      )}
    </nav>
  );
}
