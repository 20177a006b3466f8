import { useState } from "react";
import { useTranslation } from "react-i18next";
import { restrictionsOf, TERMS, type Term } from "@/features/keys/draft";
import { createKey, type NewKey, type Owner } from "@/features/keys/reads";
import { SecretDialog } from "@/features/keys/SecretDialog";
import { useUsers } from "@/features/users/reads";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { commentRequired, useMe } from "@/lib/permissions";

interface NewKeyProps {
  owner: Owner;
  onClose: () => void;
  onCreated: () => void;
}

/** Create a key, then show its text once. */
export function NewKeyDialog({ owner, onClose, onCreated }: NewKeyProps) {
  const [created, setCreated] = useState<NewKey | null>(null);
  if (created !== null) return <SecretDialog created={created} onClose={onClose} />;
  return (
    <DraftDialog
      owner={owner}
      onClose={onClose}
      onDone={(key) => {
        setCreated(key);
        onCreated();
      }}
    />
  );
}

function DraftDialog({ owner, onClose, onDone }: { owner: Owner; onClose: () => void; onDone: (key: NewKey) => void }) {
  const { t } = useTranslation("account");
  const me = useMe();
  const [label, setLabel] = useState("");
  const [userId, setUserId] = useState<number | null>(owner === "self" ? me.user.user_id : null);
  const [term, setTerm] = useState<Term>("never");
  const [addresses, setAddresses] = useState("");
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={owner === "admin" ? 3 : 2}
      comment={commentRequired(me) ? "required" : "optional"}
      danger={false}
      disabled={userId === null}
      title={t("keys.create.title")}
      effect={t("keys.create.effect")}
      action={t("keys.create.action")}
      onConfirm={async (comment) => {
        const restrictions = restrictionsOf(term, addresses, Date.now());
        onDone(await createKey(owner, { label: label.trim(), userId, restrictions, comment }));
      }}
    >
      {owner === "admin" && <UserField value={userId} onChange={setUserId} />}
      <TextField label={t("keys.label")} value={label} onChange={setLabel} maxLength={128} autoComplete="off" />
      <Select
        label={t("keys.expires")}
        value={term}
        onChange={setTerm}
        options={TERMS.map((value) => ({ value, label: t(`keys.term.${value}`) }))}
      />
      <TextField
        label={t("keys.addresses")}
        description={t("keys.addressesHint")}
        value={addresses}
        onChange={setAddresses}
        autoComplete="off"
        spellCheck={false}
      />
    </Confirm>
  );
}

function UserField({ value, onChange }: { value: number | null; onChange: (id: number | null) => void }) {
  const { t } = useTranslation("account");
  const users = useUsers();
  const options = (users.data ?? [])
    .filter((user) => user.status === "active")
    .map((user) => ({ value: user.user_id, label: `${user.user_name} (${user.role})` }));
  return <Combobox label={t("keys.user")} value={value} onChange={onChange} options={options} />;
}
