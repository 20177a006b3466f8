import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";

interface Props {
  /** What is copied. */
  text: () => string;
  tone?: "plain" | "quiet";
  /** The words on the button; an icon alone without. */
  children?: ReactNode;
}

/** Copies text and says so; a page without TLS has no clipboard, which the button says too. */
export function CopyButton({ text, tone = "plain", children }: Props) {
  const { t } = useTranslation();
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setState("copied");
    } catch {
      setState("failed");
    }
  };
  const words = { idle: t("action.copy"), copied: t("action.copied"), failed: t("action.notCopied") };
  const said = state === "idle" ? children : words[state];
  return (
    <Button
      tone={tone}
      icon={<Icon name={state === "copied" ? "check" : state === "failed" ? "warn" : "copy"} />}
      {...(said === undefined ? { "aria-label": words.idle } : {})}
      onClick={() => void copy()}
    >
      {said}
    </Button>
  );
}
