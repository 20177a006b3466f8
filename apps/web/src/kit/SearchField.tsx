import { useRef } from "react";
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
