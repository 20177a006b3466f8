import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Environment } from "@/api/types";
import { Button } from "@/kit/Button";
import { CommentField, isComment, rememberComment } from "@/kit/CommentField";
import { Dialog } from "@/kit/Dialog";
import { EnvBadge } from "@/kit/EnvBadge";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { TextField } from "@/kit/Field";
import { toastError } from "@/kit/toasts";
import { UnreadableFields, useUnreadable } from "@/kit/unreadable";

/** 2: restates the effect. 3: and demands a comment. 4: and demands that a phrase is typed. */
export type ConfirmTier = 2 | 3 | 4;

export interface Change {
  label: string;
  before: ReactNode;
  after: ReactNode;
}

export interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  tier: ConfirmTier;
  title: string;
  /** The effect in one sentence, with full numbers and the account. */
  effect: ReactNode;
  /** The word on the button: what is done, never "OK". */
  action: string;
  danger?: boolean;
  environment?: Environment | undefined;
  changes?: readonly Change[];
  /** The text to type at tier 4, such as `CLOSE 37`. */
  phrase?: string;
  /** The comment may be left out (tier 2), or is asked for anyway. */
  comment?: "none" | "optional" | "required";
  /** What is asked for is not complete: the button is locked. */
  disabled?: boolean;
  /** `onConfirm` shows what follows; the dialog does not close by itself. */
  staysOpen?: boolean;
  size?: "small" | "wide";
  children?: ReactNode;
  /** Does it. If it throws, the dialog stays and shows the error; one that was closed meanwhile leaves a toast. */
  onConfirm: (comment: string) => Promise<void> | void;
}

/** Asks before a change, by its tier. The focus is on Cancel; Ctrl+Enter confirms. */
export function Confirm(props: ConfirmProps) {
  return props.open ? <OpenConfirm {...props} /> : null;
}

function OpenConfirm(props: ConfirmProps) {
  const { t } = useTranslation();
  const { tier, phrase, onClose, onConfirm } = props;
  const cancel = useRef<HTMLButtonElement>(null);
  const [comment, setComment] = useState("");
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const text = useErrorText();
  const [unreadable, report] = useUnreadable();
  const closed = useRef(false);
  useEffect(() => {
    closed.current = false;
    return () => {
      closed.current = true;
    };
  }, []);
  const asked = tier >= 3 ? "required" : (props.comment ?? "none");
  const complete =
    props.disabled !== true &&
    !unreadable &&
    (asked !== "required" || isComment(comment)) &&
    (phrase === undefined || typed.trim() === phrase);

  const submit = async () => {
    if (!complete || busy) return;
    setBusy(true);
    setError(null);
    try {
      await onConfirm(comment.trim());
      rememberComment(comment);
      if (props.staysOpen !== true && !closed.current) onClose();
    } catch (cause) {
      if (closed.current) toastError(props.title, text(cause));
      else setError(cause);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      alert
      onClose={onClose}
      title={props.title}
      live={props.environment === "live"}
      size={props.size ?? "small"}
      onSubmit={() => void submit()}
      initialFocus={cancel}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            {t("action.cancel")}
          </Button>
          <Button
            tone={props.danger === false ? "primary" : "danger"}
            disabled={!complete}
            busy={busy}
            onClick={() => void submit()}
          >
            {props.action}
          </Button>
        </>
      }
    >
      <p className="flex flex-wrap items-center gap-2 text-base">
        {props.environment !== undefined && <EnvBadge environment={props.environment} />}
        <span className="num">{props.effect}</span>
      </p>
      {props.changes !== undefined && props.changes.length > 0 && <ChangeTable changes={props.changes} />}
      <UnreadableFields value={report}>{props.children}</UnreadableFields>
      {asked !== "none" && (
        <CommentField value={comment} onChange={setComment} required={asked === "required"} />
      )}
      {phrase !== undefined && (
        <TextField
          label={t("confirm.phrase", { phrase })}
          value={typed}
          onChange={setTyped}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      {error !== null && <ErrorState error={error} compact />}
    </Dialog>
  );
}

/** What changes: before and after. */
export function ChangeTable({ changes }: { changes: readonly Change[] }) {
  const { t } = useTranslation();
  return (
    <table className="w-full text-sm">
      <thead className="text-xs text-muted">
        <tr>
          <th className="py-1 text-start font-normal">{t("confirm.field")}</th>
          <th className="py-1 text-end font-normal">{t("confirm.before")}</th>
          <th className="py-1 text-end font-normal">{t("confirm.after")}</th>
        </tr>
      </thead>
      <tbody className="num">
        {changes.map((change) => (
          <tr key={change.label} className="border-t border-line">
            <td className="py-1">{change.label}</td>
            <td className="py-1 text-end text-muted">{change.before}</td>
            <td className="py-1 text-end">{change.after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
