import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "@/kit/CopyButton";
import { TextField } from "@/kit/Field";

/** JSON as it came, with search and copy. */
export function JsonView({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const text = JSON.stringify(value, null, 2) ?? "";
  const wanted = search.trim().toLowerCase();
  const lines = text.split("\n").filter((line) => wanted === "" || line.toLowerCase().includes(wanted));
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-end gap-2">
        <TextField label={t("json.search")} hiddenLabel placeholder={t("json.search")} value={search} onChange={setSearch} className="flex-1" />
        <CopyButton text={() => text} />
      </div>
      <pre tabIndex={0} aria-label={t("json.label")} className="max-h-96 overflow-auto rounded border border-line bg-bg p-2 font-mono text-2xs">
        {lines.join("\n")}
      </pre>
    </div>
  );
}
