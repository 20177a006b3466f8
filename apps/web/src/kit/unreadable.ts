import { createContext, useCallback, useState } from "react";

type Report = (field: string, unreadable: boolean) => void;

/** Where a field says that its text cannot be read; an empty value then means nothing. */
export const UnreadableFields = createContext<Report>(() => undefined);

/** Whether a field below holds text that cannot be read, and what to give `UnreadableFields`. */
export function useUnreadable(): [boolean, Report] {
  const [fields, setFields] = useState<ReadonlySet<string>>(new Set());
  const report = useCallback<Report>((field, unreadable) => {
    setFields((known) => {
      if (known.has(field) === unreadable) return known;
      const next = new Set(known);
      if (unreadable) next.add(field);
      else next.delete(field);
      return next;
    });
  }, []);
  return [fields.size > 0, report];
}
