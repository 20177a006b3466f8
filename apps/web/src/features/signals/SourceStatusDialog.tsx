import { useTranslation } from "react-i18next";
import { setSourceStatus, type Source } from "@/features/signals/reads";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";
import { commentRequired, useMe } from "@/lib/permissions";

interface Props {
  source: Source;
  onClose: () => void;
  onChanged: () => void;
}

/** Refuse the signals of a source, or take them again. */
export function SourceStatusDialog({ source, onClose, onChanged }: Props) {
  const { t } = useTranslation("signals");
  const me = useMe();
  const kind = source.status === "active" ? "disable" : "enable";
  const { name } = source;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      comment={commentRequired(me) ? "required" : "optional"}
      danger={kind === "disable"}
      title={t(`${kind}.title`, { name })}
      effect={t(`${kind}.effect`)}
      action={t(`${kind}.action`)}
      onConfirm={async (comment) => {
        await setSourceStatus(source, kind === "disable" ? "disabled" : "active", comment);
        toastDone(t(`${kind}.done`, { name }));
        onChanged();
      }}
    />
  );
}
