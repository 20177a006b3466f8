import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { loadSession } from "@/api/session";
import { widens } from "@/features/permissions/matrix";
import { PERMISSIONS_QUERY, readGrants, setPermission } from "@/features/permissions/reads";
import { overtaken, type Edits } from "@/features/permissions/useEdits";
import { keyName, useGrantWords } from "@/features/permissions/words";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

/**
 * Saves the changes one by one; what was refused stays a change, and the dialog says why. Nothing is
 * saved if someone else changed one of the rows meanwhile: the dialog then shows the change from what is there now.
 */
export function SaveDialog({ edits, onClose }: { edits: Edits; onClose: () => void }) {
  const { t } = useTranslation("permissions");
  const client = useQueryClient();
  const words = useGrantWords();
  const count = edits.list.length;
  const granting = edits.list.filter((edit) => widens(edit.row.grant, edit.grant)).length;
  const [others, setOthers] = useState(0);
  const save = async (comment: string) => {
    const now = await readGrants(edits.list.map((edit) => edit.row));
    const changed = overtaken(edits.list, now).length;
    setOthers(changed);
    if (changed > 0) {
      edits.rebase(now);
      await client.invalidateQueries({ queryKey: PERMISSIONS_QUERY });
      return;
    }
    try {
      for (const { row, grant } of edits.list) {
        await setPermission(row, grant, comment);
        edits.drop(row.id);
      }
    } finally {
      await client.invalidateQueries({ queryKey: PERMISSIONS_QUERY });
    }
    toastDone(t("save.done", { count }));
    await loadSession();
    onClose();
  };
  return (
    <Confirm
      open
      staysOpen
      onClose={onClose}
      tier={granting > 0 ? 4 : 3}
      {...(granting > 0 ? { phrase: t("save.phrase", { count: granting }) } : {})}
      danger={granting > 0}
      disabled={count === 0}
      title={t("save.title")}
      effect={t("save.effect")}
      action={t("save.action", { count })}
      changes={edits.list.map(({ row, grant }) => ({
        label: t("save.row", { user: row.key.userName, key: keyName(row.key), account: row.account.label }),
        before: words(row.grant),
        after: words(grant),
      }))}
      onConfirm={save}
    >
      {others > 0 && (
        <p role="alert" className="text-sm text-warn">
          {t("save.overtaken", { count: others })}
        </p>
      )}
    </Confirm>
  );
}
