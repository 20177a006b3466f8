import { useTranslation } from "react-i18next";
import { ActivityList } from "@/commands/ActivityList";
import { DetailDrawer } from "@/kit/DetailDrawer";

/** What this page sent, and what became of it. */
export function ActivityDrawer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <DetailDrawer open onClose={onClose} title={t("command.activity")}>
      <ActivityList />
    </DetailDrawer>
  );
}
