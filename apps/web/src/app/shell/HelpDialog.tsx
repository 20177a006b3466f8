import { useTranslation } from "react-i18next";
import { offeredPages } from "@/app/pages";
import { Facts } from "@/kit/DetailDrawer";
import { Dialog } from "@/kit/Dialog";
import { useMe } from "@/lib/permissions";

/** The keyboard at a glance. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("shell");
  const me = useMe();
  const facts: [string, string][] = [
    [t("shortcuts.palette"), "Ctrl K"],
    [t("shortcuts.help"), "?"],
    ...offeredPages(me.actions)
      .filter((page) => page.key !== undefined)
      .map((page): [string, string] => [t("shortcuts.go", { page: t(`page.${page.name}`) }), `g ${page.key}`]),
    [t("shortcuts.rows"), "J K Enter Space X"],
    [t("shortcuts.filter"), "/"],
    ...(me.actions.includes("trade")
      ? ([
          [t("shortcuts.ticket"), "N"],
          [t("shortcuts.ticketKeys"), "B S M L T"],
          [t("shortcuts.dock"), "[ ]"],
        ] as [string, string][])
      : []),
    [t("shortcuts.submit"), "Ctrl Enter"],
  ];
  return (
    <Dialog open onClose={onClose} title={t("shortcuts.title")}>
      <Facts facts={facts} />
    </Dialog>
  );
}
