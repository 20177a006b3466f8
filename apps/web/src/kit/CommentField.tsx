import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Field as Base } from "@base-ui/react/field";
import { FieldFrame, INPUT } from "@/kit/Field";
import { preferences, setPreference, usePreference } from "@/lib/preferences";
import { cx } from "@/lib/cx";

export const COMMENT_MIN = 8;
const KEPT = 8;

/** Whether the comment is long enough to say why. */
export function isComment(text: string): boolean {
  return text.trim().length >= COMMENT_MIN;
}

/** Offer this comment again next time. */
export function rememberComment(text: string): void {
  const comment = text.trim();
  if (comment === "") return;
  const others = preferences.get().comments.filter((known) => known !== comment);
  setPreference("comments", [comment, ...others].slice(0, KEPT));
}

export interface CommentFieldProps {
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
}

/** Why: goes into the audit log. Recent comments are offered. */
export function CommentField({ value, onChange, required = true }: CommentFieldProps) {
  const { t } = useTranslation();
  const recent = usePreference("comments");
  const list = useId();
  const short = value.trim() !== "" && required && !isComment(value);
  return (
    <FieldFrame
      label={required ? t("comment.label") : t("comment.optional")}
      description={t("comment.description")}
      error={short ? t("comment.short", { count: COMMENT_MIN }) : undefined}
    >
      <Base.Control
        value={value}
        onValueChange={onChange}
        required={required}
        maxLength={255}
        list={list}
        autoComplete="off"
        className={cx(INPUT)}
      />
      <datalist id={list}>
        {recent.map((comment) => (
          <option key={comment} value={comment}>
            {comment}
          </option>
        ))}
      </datalist>
    </FieldFrame>
  );
}
