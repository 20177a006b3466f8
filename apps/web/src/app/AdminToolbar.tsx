import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { SearchField } from "@/kit/SearchField";
import { PHONE, useMedia } from "@/lib/media";

interface Props {
  search: string;
  value: string | undefined;
  onSearch: (text: string | undefined) => void;
  create: string;
  /** Absent: the user may not create a row. */
  onCreate: (() => void) | undefined;
  /** Administration is done on larger screens; own things may be changed on phones too. */
  readOnlyOnPhones?: boolean;
}

/** Above lists of administration: search, and the button that creates a row. */
export function AdminToolbar({ search, value, onSearch, create, onCreate, readOnlyOnPhones = true }: Props) {
  const { t } = useTranslation("lists");
  const phone = useMedia(PHONE) && readOnlyOnPhones;
  return (
    <>
      <SearchField label={search} value={value ?? ""} onChange={(text) => onSearch(text || undefined)} />
      {phone ? (
        <p className="text-xs text-muted">{t("readOnly")}</p>
      ) : onCreate === undefined ? null : (
        <Button tone="primary" icon={<Icon name="plus" />} onClick={onCreate}>
          {create}
        </Button>
      )}
    </>
  );
}
