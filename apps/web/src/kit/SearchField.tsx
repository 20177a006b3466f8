import { useRef, useState } from "react";
import { TextField } from "@/kit/Field";
import { useShortcut } from "@/lib/shortcuts";

export interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** Filters a list by text; `/` puts the cursor here. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useShortcut("/", () => input.current?.focus());
  return (
    <TextField
      ref={input}
      label={label}
      hiddenLabel
      type="search"
      placeholder={label}
      value={value}
      onChange={onChange}
      className="w-40"
    />
  );
}

/** Filters a list on the server: the text counts when Enter is pressed or the field is left. */
export function SubmitField({ label, value, onChange }: SearchFieldProps) {
  const [typed, setTyped] = useState({ text: value, value });
  const text = typed.value === value ? typed.text : value;
  const submit = () => text.trim() !== value && onChange(text.trim());
  return (
    <form
      onBlur={submit}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <SearchField label={label} value={text} onChange={(next) => setTyped({ text: next, value })} />
    </form>
  );
}
