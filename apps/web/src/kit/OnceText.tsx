import { CopyButton } from "@/kit/CopyButton";

/** A text that is shown once, whole, with a button that copies it. */
export function OnceText({ label, text }: { label: string; text: string }) {
  return (
    <section className="flex flex-col gap-1" aria-label={label}>
      <div className="flex items-center justify-between">
        <h3 className="text-xs text-muted">{label}</h3>
        <CopyButton tone="quiet" text={() => text} />
      </div>
      <code className="rounded border border-line bg-bg p-2 text-xs break-all whitespace-pre-wrap select-all">{text}</code>
    </section>
  );
}
